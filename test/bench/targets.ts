// What was to be reached, and was or was not; for the README, too.
import type { About } from "./about.ts";
import { findRow, type Result, ratio } from "./measure.ts";
import { PHASES } from "./phases.ts";
import type { Profile } from "./profile.ts";
import { HANDED, NAMES, PINS } from "./programs.ts";
import type { RelayResult } from "./relay.ts";
import { makeTable } from "./report.ts";

/** All that a run of `npm run bench` finds, or of some of its parts: docs/bench/figures.json. */
export interface Found {
  readonly about: About;
  /** Of the programs that are not ours. */
  readonly versions?: string;
  readonly contests?: Readonly<Record<string, Result>>;
  readonly profile?: Profile;
  readonly relays?: readonly RelayResult[];
}

export const USUAL = "one domain";
export const COLD = "cold";
export const HAND_OVER = "hand-over";
export const KEYS = "host keys";

export function requireResult({ contests }: Pick<Found, "contests">, name: string): Result {
  const result = contests?.[name];
  if (result === undefined) throw new Error(`there is no contest "${name}"`);
  return result;
}

interface Target {
  readonly what: string;
  readonly value: number;
  readonly most: number;
  readonly unit?: string;
  /** What to say where it is missed. */
  readonly why?: string;
}

const SHARED =
  "Half of it is the floor's: exec, the C library's start and libvirtd's answers, which a program in any language has to wait for.";

function listTargets(found: Found): Target[] {
  const usual = requireResult(found, USUAL);
  const cold = requireResult(found, COLD);
  const handed = requireResult(found, HAND_OVER);
  const { resolve, floor, libvirt, proxy, floorProxy } = NAMES;
  const peak = (name: string) => findRow(usual, name).peakMb;
  const guards = handed.differenceMs ?? Number.NaN;
  return [
    { what: "`virtssh resolve` to the C floor", value: ratio(usual, resolve, floor), most: 2 },
    { what: "`virtssh resolve` to libvirt-ssh-proxy", value: ratio(usual, resolve, libvirt), most: 0.2, why: SHARED },
    {
      what: "`virtssh proxy`, up to the connect, to the C floor",
      value: ratio(usual, proxy, floorProxy),
      most: 2,
      why: "It loads and prints two lines about the connect that the lab refuses; the floor prints three words.",
    },
    {
      what: "`virtssh proxy`, up to the connect, to libvirt-ssh-proxy",
      value: ratio(usual, proxy, libvirt),
      most: 0.2,
      why: `${SHARED} The two lines about the refused connect come on top.`,
    },
    {
      what: "`virtssh proxy`, handing over, to libvirt-ssh-proxy",
      value: ratio(handed, HANDED.virtssh, HANDED.libvirt),
      most: 0.2,
      why: "The program that takes the socket is in both times. And virtssh asks libvirt again once it is connected, waits for sshd's first words and leaves a record of the guest for `known-hosts`, none of which libvirt's helper does.",
    },
    {
      what: "the wait for sshd's first words, and the second question to libvirt",
      value: guards,
      most: 0.3,
      unit: " ms",
      why: "The guest of this contest answers at once, so that all of libvirt's second answer is waited for.",
    },
    {
      what: "`virtssh known-hosts` to `virtssh resolve`",
      value: ratio(requireResult(found, KEYS), PINS.known, PINS.resolve),
      most: 0.6,
      why: "`resolve` has become faster since that was set, when it loaded the whole command line.",
    },
    {
      what: "from a cold disk: `virtssh resolve` to the C floor",
      value: ratio(cold, resolve, floor),
      most: 2,
      why: "More is read from the disk: the engine and the bytecode, which the floor does without.",
    },
    {
      what: "from a cold disk: `virtssh resolve` to libvirt-ssh-proxy",
      value: ratio(cold, resolve, libvirt),
      most: 0.2,
    },
    { what: "peak memory: `virtssh proxy` to libvirt-ssh-proxy", value: peak(proxy) / peak(libvirt), most: 0.3 },
  ];
}

/** As it is printed, so that nobody reads "2.00, at most 2.00: no". */
const isReached = ({ value, most }: Target) => Number(value.toFixed(2)) <= most;

/** The table, and below it a reason for each that is missed and has one. */
export function writeTargets(found: Found): string {
  const targets = listTargets(found);
  const cells = targets.map((target) => {
    const { what, value, most, unit = "" } = target;
    const numbers = [value, most].map((number) => `${number.toFixed(2)}${unit}`);
    return [what, ...numbers, isReached(target) ? "yes" : "no"];
  });
  const reasons = targets.flatMap((target) =>
    target.why === undefined || isReached(target) ? [] : [`- Missed: ${target.what}. ${target.why}`],
  );
  const table = makeTable(
    ["to be reached: ratios of times, but for one time and one of memory", "is", "at most", "reached"],
    cells,
  );
  return reasons.length === 0 ? table : `${table}\n\n${reasons.join("\n")}`;
}

/** What comes on top of the floor, as the profile has it. */
export function explainRest({ phases, wholeUs }: Profile): string {
  const sum = (beginnings: readonly string[]) =>
    phases
      .filter(({ name }) => beginnings.some((beginning) => name.startsWith(beginning)))
      .reduce((us, phase) => us + phase.us, 0) / 1e3;
  const engine = sum([PHASES.engine, PHASES.builtIn]);
  const bytecode = sum(["bytecode: "]);
  const script = sum(["JavaScript: "]);
  const rest = wholeUs / 1e3 - engine - bytecode - script;
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  return `By the profile, a \`virtssh resolve\` of ${ms(wholeUs / 1e3)} takes ${ms(engine)} to start the engine, ${ms(bytecode)} to read bytecode and ${ms(script)} to run JavaScript: that is what the floor does without. The other ${ms(rest)} are exec, the daemon and exit, which all programs have.`;
}

const README_ROWS = [NAMES.floor, NAMES.resolve, NAMES.proxy, NAMES.libvirt, NAMES.virsh, NAMES.systemd, NAMES.nothing];

/** What stands between the README's marks. */
export function renderSpeed(found: Found): string {
  const usual = requireResult(found, USUAL);
  const libvirt = findRow(usual, NAMES.libvirt);
  const head = ["whole process", "median ms", "to libvirt's", "from a cold disk, ms", "peak MB", "to libvirt's"];
  const rows = README_ROWS.map((name) => {
    const row = findRow(usual, name);
    const cold = findRow(requireResult(found, COLD), name);
    return [
      name,
      row.medianMs.toFixed(2),
      (row.medianMs / libvirt.medianMs).toFixed(2),
      cold.medianMs.toFixed(2),
      row.peakMb.toFixed(1),
      (row.peakMb / libvirt.peakMb).toFixed(2),
    ];
  });
  const { about, profile } = found;
  return [
    "",
    `Medians of ${usual.rounds} runs of each, in turns; ${about.date}, ${about.machine}, load before it ${about.load}:`,
    "",
    makeTable(head, rows),
    "",
    writeTargets(found),
    "",
    ...(profile === undefined ? [] : [explainRest(profile), ""]),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

const BETWEEN_MARKS = /(?<=^<!-- speed: written by npm run bench -->\n)(?:.*\n)*?(?=^<!-- end -->$)/m;

export const readSpeed = (readme: string) => BETWEEN_MARKS.exec(readme)?.[0];
export const replaceSpeed = (readme: string, found: Found) => readme.replace(BETWEEN_MARKS, () => renderSpeed(found));
