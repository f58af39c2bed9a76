// The contests beside a real libvirtd, and those beside the stand-in for one, in the native lab.
import { GRANTS, GUEST_TEXTS } from "../daemon/guests-with-cid.ts";
import { runNative, type Step } from "../lab/lab.ts";
import { toStderr } from "../lab/progress.ts";
import { DOMAIN_TEXTS, defineIdle, removeRunning, startRunning, TEMPLATES } from "./domains.ts";
import { type Contest, makeContest, type Result, readResult, requireSuccess } from "./measure.ts";
import {
  ASK_STAND_IN,
  allPeers,
  HAND_OVERS,
  HANDED,
  HOST_KEYS,
  LISTS,
  lookups,
  PIN_ONE,
  PROBING_LISTS,
  PROGRAMS,
  VERSIONS,
  WITH_STAND_INS,
} from "./programs.ts";

/** A step that is no contest, or a contest. */
type Part = Step | Contest;

const isContest = (part: Part): part is Contest => "commands" in part;

const greet = (count: number) => `rm -rf /tmp/vsock; mkdir /tmp/vsock
setsid /usr/local/bin/greet /tmp/vsock 3 ${count} > /dev/null 2>&1 &
until [ -S /tmp/vsock/$((2 + ${count}))-22 ]; do sleep 0.1; done`;

const SOCKET = "/run/libvirt/virtqemud-sock-ro";

/** Shell text. It is asked before the real daemon, by us and by libvirt. */
const startStandIn = (words: string) => `[ ! -e /tmp/stand-in.pid ] || kill $(cat /tmp/stand-in.pid); rm -f ${SOCKET}
setsid /usr/local/bin/stand-in-daemon ${SOCKET} ${words} > /dev/null 2> /tmp/stand-in.err & echo $! > /tmp/stand-in.pid
until [ -S ${SOCKET} ]; do sleep 0.1; done`;

const standIn = (count: number, file: string): Step => ({
  name: `a stand-in daemon with ${count} domains of ${file}`,
  run: startStandIn(`${count} ${file}`),
});

/** It is no floor for what says something else. */
const SAME_CALLS: Step = {
  name: "the floor makes the calls that virtssh makes",
  run: `${startStandIn(`1 ${TEMPLATES.usual} /tmp/calls`)}
${ASK_STAND_IN}
until (($(wc -l < /tmp/calls) == 2)); do sleep 0.1; done
cat /tmp/calls; (($(sort -u /tmp/calls | wc -l) == 1)) || { echo "these are the calls of each:"; cat /tmp/calls; exit 1; } >&2`,
};

const handOver = {
  name: "hand-over",
  commands: HAND_OVERS,
  first: WITH_STAND_INS,
  differ: { more: HANDED.virtssh, less: HANDED.unguarded },
};

/** Domains are defined, not started, but for "up". */
function besideLibvirtd(rounds: number): Part[] {
  const more = (first: number, last: number): Step => ({
    name: `${last + 1} domains are defined`,
    run: defineIdle(first, last),
    timeoutSeconds: 300,
  });
  const lists = (count: number): Contest => ({ name: `list, ${count} domains`, commands: LISTS, rounds });
  const asked = (name: string, domain: string): Contest => ({
    ...{ name, commands: lookups(domain), rounds },
    xml: `virsh -r dumpxml ${domain}`,
  });
  const large = (name: string, domain: string): Part[] => [
    { name: `${domain} runs`, run: startRunning(domain) },
    asked(name, domain),
    { name: `${domain} is gone`, run: removeRunning(domain) },
  ];
  return [
    { ...asked("one domain", "up"), commands: allPeers("up") },
    { name: "cold", commands: allPeers("up"), rounds, isCold: true },
    { ...handOver, rounds },
    { name: "host keys", commands: HOST_KEYS, rounds },
    ...large("30 kB of XML, of metadata", "up30k"),
    ...large("1 MB of XML, of metadata", "up1m"),
    ...large("4 MB of XML, of metadata", "up4m"),
    more(1, 9),
    lists(10),
    more(10, 99),
    lists(100),
    asked("100 domains", "up"),
    more(100, 499),
    lists(500),
    more(500, 999),
    asked("1,000 domains", "up"),
  ];
}

function besideStandIn(rounds: number): Part[] {
  const asked = (name: string, file: string): Part[] => [
    standIn(1, file),
    { name, commands: lookups("vm1"), rounds, xml: `cat ${file}` },
  ];
  const probed = (count: number): Part[] => [
    standIn(count, TEMPLATES.usual),
    { name: `${count} guests answer`, run: greet(count) },
    { name: `list, ${count} guests that answer`, commands: PROBING_LISTS, rounds, first: WITH_STAND_INS },
  ];
  return [
    SAME_CALLS,
    ...asked("3 kB of XML, from a stand-in", TEMPLATES.usual),
    ...asked("1 MB of XML, of devices, from a stand-in", TEMPLATES["1 MB"]),
    ...asked("4 MB of XML, of devices, from a stand-in", TEMPLATES["4 MB"]),
    ...[10, 100, 500].flatMap(probed),
  ];
}

export interface NativeFound {
  /** By their names. */
  readonly contests: Readonly<Record<string, Result>>;
  /** Of the programs that are not ours. */
  readonly versions: string;
}

export async function runNativeContests(rounds: number): Promise<NativeFound> {
  const parts: Part[] = [
    { name: "versions", run: VERSIONS },
    ...GRANTS.map(({ name, run, user = "root" }) => ({ name, run, user })),
    { name: "the domain is started", run: startRunning("up") },
    { name: "a guest answers", run: greet(5) },
    { name: "a key is pinned", run: PIN_ONE },
    ...besideLibvirtd(rounds),
    ...besideStandIn(rounds),
  ];
  const steps = parts.flatMap((part) => (isContest(part) ? makeContest(part) : part));
  const lab = { steps, files: PROGRAMS, texts: { ...GUEST_TEXTS, ...DOMAIN_TEXTS } };
  const outcomes = requireSuccess(await runNative(lab, toStderr));
  const results = parts.filter(isContest).map((contest) => [contest.name, readResult(outcomes, contest)]);
  return { contests: Object.fromEntries(results), versions: (outcomes.get("versions")?.stdout ?? "").trim() };
}
