// `npm run bench`: whole processes, timed side by side in the native lab, on the same daemon and the same running domain. It has no
// vsock device, so that both helpers do the whole look-up and fail at the same point.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { GRANTS, GUEST_TEXTS, renderGuest } from "../daemon/guests-with-cid.ts";
import { renderDomain } from "../lab/domains.ts";
import { INSTALLED } from "../lab/installed.ts";
import { type Outcomes, runNative, type Step } from "../lab/lab.ts";
import { toStderr } from "../lab/progress.ts";

interface Row {
  readonly name: string;
  readonly command: string;
  readonly medianMs: number;
  readonly slowestMs: number;
  readonly peakKb: number;
}

const DOMAIN = "web";

/** A guest that answers at once, behind a stand-in for AF_VSOCK. Both rows have the program that takes the descriptor in them. */
const ANSWERED = "virtssh proxy, handing over a guest";
const UNGUARDED = "the same without peek and guard";

/** Where records and pins are, and what a guest shows; all of it started by a small program that leaves a record as `proxy` does. */
const RECORDS = "/run/user/0/virtssh";
const PIN = "/root/.local/state/virtssh/hosts/11111111-2222-4333-8444-555555555555";
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJyZ8sHafEp8++mWTrP3bDZfWINSnyQw0jPfNRJ1ACTV";
const asSsh = (pin: string, words: string) => `/usr/local/bin/as-ssh ${RECORDS} ${pin} /usr/bin/virtssh ${words}`;
const ASKED = "virtssh known-hosts, of a pinned key";
const RESOLVED = "virtssh resolve, started in the same way";

/** The first is what the others are compared with. */
const COMMANDS: readonly (readonly [name: string, command: string])[] = [
  ["libvirt-ssh-proxy", `/usr/lib/libvirt/libvirt-ssh-proxy qemu:system/${DOMAIN} 22`],
  ["virtssh proxy", `/usr/bin/virtssh proxy qemu:system/${DOMAIN} 22`],
  ["virtssh resolve", `/usr/bin/virtssh resolve qemu:system/${DOMAIN}`],
  ["virsh domid", `/usr/bin/virsh -r -c qemu:///system domid ${DOMAIN}`],
  ["systemd-ssh-proxy --version (no look-up)", "/usr/lib/systemd/systemd-ssh-proxy --version"],
  ["true (an empty program)", "/usr/bin/true"],
  [ANSWERED, "/usr/local/bin/receive-fd /usr/local/bin/virtssh proxy --fdpass qemu:system/up"],
  [UNGUARDED, "/usr/local/bin/receive-fd /usr/local/bin/unguarded proxy --fdpass qemu:system/up"],
  [ASKED, asSsh("-", `known-hosts -- HOSTNAME ${KEY} up.qemu`)],
  ["the same, of a first key, which is pinned", asSsh(PIN, `known-hosts -- HOSTNAME ${KEY} up.qemu`)],
  ["the same, of the types to prefer", asSsh("-", "known-hosts -- ORDER NONE NONE up.qemu")],
  [RESOLVED, asSsh("-", "resolve qemu:system/up")],
];

const commandOf = (row: string) => COMMANDS.find(([name]) => name === row)?.[1] ?? "";

/** In turns, so that what else the machine does falls on all alike. */
const ROUNDS = 20;
const RUNS_A_ROUND = 5;

function makeSteps(): Step[] {
  const quoted = COMMANDS.map(([, command]) => `'${command}'`).join(" ");
  const turns = Array.from({ length: ROUNDS }, (_, round) => ({
    name: `round ${round + 1} of ${ROUNDS}`,
    run: `export VIRTSSH_TEST_VSOCK=/tmp/vsock; hyperfine -N -i --style none --warmup 2 --runs ${RUNS_A_ROUND} --export-json /tmp/times.json ${quoted} >&2 && cat /tmp/times.json`,
    timeoutSeconds: 300,
  }));
  const memory = COMMANDS.map(([name, command]) => ({
    name: `memory of ${name}`,
    run: `export VIRTSSH_TEST_VSOCK=/tmp/vsock; for i in 1 2 3 4 5; do command time -f %M -o /tmp/memory -a ${command} > /tmp/out 2>&1; done; grep -v '^Command' /tmp/memory; rm /tmp/memory`,
  }));
  const define = `for name in ${DOMAIN} up; do virsh -q define /etc/lab/$name.xml && virsh -q start $name; done`;
  const answer = `mkdir /tmp/vsock; setsid /usr/local/bin/greet /tmp/vsock/7-22 > /dev/null 2>&1 &
until [ -S /tmp/vsock/7-22 ]; do sleep 0.1; done; ${commandOf(ANSWERED)}`;
  const ask = `mkdir -p -m 700 ${RECORDS}; ${commandOf(ASKED)} && grep -F '${KEY}' ${PIN}`;
  return [
    ...GRANTS.map(({ name, run, user = "root" }) => ({ name, run, user })),
    { name: "the domains are started", run: define },
    { name: "a guest answers", run: `export VIRTSSH_TEST_VSOCK=/tmp/vsock; ${answer}` },
    { name: "a key is pinned", run: ask },
    ...turns,
    ...memory,
  ];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return ((sorted[middle] ?? 0) + (sorted[Math.ceil(sorted.length / 2 - 1)] ?? 0)) / 2;
}

/** What hyperfine's --export-json writes, as far as it is used here; seconds. */
interface Times {
  readonly results: readonly { readonly times: readonly number[] }[];
}

function readRow(outcomes: Outcomes, index: number): Row {
  const [name, command] = COMMANDS[index] ?? ["", ""];
  const timesMs = [...outcomes.values()]
    .filter((outcome) => outcome.name.startsWith("round "))
    .flatMap(({ stdout }) => (JSON.parse(stdout) as Times).results[index]?.times ?? [])
    .map((seconds) => seconds * 1000);
  const peaksKb = (outcomes.get(`memory of ${name}`)?.stdout ?? "").trim().split("\n").map(Number);
  return { name, command, medianMs: median(timesMs), slowestMs: Math.max(...timesMs), peakKb: median(peaksKb) };
}

function printTable(rows: readonly Row[]): void {
  const [first] = rows;
  const ratio = (value: number, of: number | undefined) => (of === undefined ? "" : (value / of).toFixed(2));
  const lines = rows.map((row) => {
    const cells = [row.medianMs.toFixed(2), ratio(row.medianMs, first?.medianMs), row.slowestMs.toFixed(1)];
    return `| ${[row.name, ...cells, (row.peakKb / 1000).toFixed(1), ratio(row.peakKb, first?.peakKb)].join(" | ")} |`;
  });
  process.stdout.write(
    [
      `${ROUNDS * RUNS_A_ROUND} runs of each, in turns of ${RUNS_A_ROUND}; ${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}`,
      "",
      "| whole process | median ms | ratio | slowest ms | peak MB | ratio |",
      "|---|---|---|---|---|---|",
      ...lines,
      "",
    ].join("\n"),
  );
}

function requireSuccess(outcomes: Outcomes): void {
  for (const { name, exit, stderr } of outcomes.values()) {
    if (exit !== 0) throw new Error(`"${name}" ended with ${exit}:\n${stderr}`);
  }
}

async function bench(): Promise<void> {
  const { status } = spawnSync("npm", ["run", "--silent", "build", "--", "--bench"], { stdio: "inherit" });
  if (status !== 0) throw new Error("npm run build failed");
  const texts = {
    ...GUEST_TEXTS,
    [`/etc/lab/${DOMAIN}.xml`]: renderDomain({ name: DOMAIN, vsock: "none", boots: "nothing" }),
    "/etc/lab/up.xml": renderGuest({ name: "up", vsock: 7 }),
  };
  const files = {
    ...INSTALLED,
    "/usr/local/bin/virtssh": "build/bench/virtssh",
    "/usr/local/bin/unguarded": "build/bench/unguarded",
    "/usr/local/bin/receive-fd": "build/bench/receive-fd",
    "/usr/local/bin/greet": "build/bench/greet",
    "/usr/local/bin/as-ssh": "build/bench/as-ssh",
  };
  const outcomes = await runNative({ steps: makeSteps(), files, texts }, toStderr);
  requireSuccess(outcomes);
  const rows = COMMANDS.map((_, index) => readRow(outcomes, index));
  printTable(rows);
  const medianOf = (name: string) => rows.find((row) => row.name === name)?.medianMs ?? Number.NaN;
  process.stdout.write(`\npeek and guard cost ${(medianOf(ANSWERED) - medianOf(UNGUARDED)).toFixed(2)} ms\n`);
  process.stdout.write(
    `known-hosts takes ${(medianOf(ASKED) / medianOf(RESOLVED)).toFixed(2)} of what resolve takes\n`,
  );
}

try {
  await bench();
} catch (error) {
  process.stderr.write(`bench: error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
