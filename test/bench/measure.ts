// What is run side by side, and what came of it: by test/bench/stopwatch.c, in a lab.
import type { Outcomes, Step } from "../lab/lab.ts";

/** One row of a table. */
export interface Command {
  readonly name: string;
  /** Its words, separated by single blanks; no shell reads them. */
  readonly words: string;
  /** The status that it is to end with; 0 unless told. */
  readonly exit?: number;
  /** A part of what it says on stderr: that it ends with 1 for the reason that it is to. Seen once, before the runs that count. */
  readonly says?: string;
}

/** What is run in turns: so that what else the machine does falls on all alike. */
export interface Contest {
  readonly name: string;
  readonly commands: readonly Command[];
  readonly rounds: number;
  /** Whether each program's files are put out of the page cache before each run. */
  readonly isCold?: boolean;
  /** Shell text that comes first, such as an export. */
  readonly first?: string;
  /** Two of them, neighbours, of which one does more: what that costs is their difference in each round. */
  readonly differ?: { readonly more: string; readonly less: string };
  /** Shell text that prints the XML that all of them read. */
  readonly xml?: string;
}

interface Figures {
  readonly name: string;
  readonly medianMs: number;
  readonly slowestMs: number;
  /** Of the processor, in the program and in the kernel for it. */
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly pageFaults: number;
  /** Of its files, in the page cache before a cold run. */
  readonly leftMb: number;
}

export interface Result {
  readonly name: string;
  readonly rounds: number;
  readonly xmlBytes?: number;
  readonly differenceMs?: number;
  readonly rows: readonly Figures[];
}

/** Where a lab's own files lie on a disk: what is installed is in memory, from which nothing can be put out. */
export const ON_DISK = "/lab/run/files";

export const STOPWATCH = "/usr/local/bin/stopwatch";

/** As stopwatch.c prints it. */
export interface Run {
  readonly command: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly pageFaults: number;
  readonly leftMb: number;
  readonly beginNs: bigint;
}

const fileOf = (contest: Contest) => `/tmp/${contest.name.replaceAll(/[^a-z0-9]+/gi, "-")}`;

/** The files of each program: itself, and the libraries that the dynamic linker gives it. */
function listFiles({ commands }: Contest, file: string): string {
  return commands
    .map(({ words }, index) => {
      const [program] = words.split(" ");
      return `{ echo ${program}; ldd ${program} 2> /dev/null | grep -o '/[^ )]*'; true; } > ${file}.${index}`;
    })
    .join("\n");
}

const check = ({ words, says = "" }: Command) =>
  says === ""
    ? ""
    : `said=$(${words} 2>&1 > /dev/null); [[ $said == *"${says}"* ]] || { echo "${words}: $said"; exit 1; } >&2\n`;

/** Of what a contest's commands read; its stdout. */
const sizeStep = (name: string) => `${name}: bytes of XML`;

/** The steps of a contest; readResult() reads what they leave. */
export function makeContest(contest: Contest): Step[] {
  const { name, xml } = contest;
  const size = xml === undefined ? [] : [{ name: sizeStep(name), run: `set -o pipefail; ${xml} | wc -c` }];
  return [...size, makeRuns(contest)];
}

function makeRuns(contest: Contest): Step {
  const { name, commands, rounds, isCold = false, first = "true" } = contest;
  const file = fileOf(contest);
  const lines = commands.map(({ words, exit = 0 }, index) => `${exit} ${isCold ? `${file}.${index}` : "-"} ${words}\n`);
  const run = [
    `cat > ${file} <<'END'\n${lines.join("")}END`,
    isCold ? listFiles(contest, file) : "true",
    `${first}\n${commands.map(check).join("")}exec ${STOPWATCH} ${rounds} ${file}`,
  ].join("\n");
  return { name, run, timeoutSeconds: 900 };
}

export function readRuns(outcomes: Outcomes, name: string): Run[] {
  const lines = (outcomes.get(name)?.stdout ?? "").trim().split("\n");
  return lines.map((line) => {
    const [command = 0, ns = 0, user = 0, kernel = 0, peakKb = 0, major = 0, minor = 0, leftKb = 0] = line
      .split(" ")
      .map(Number);
    return {
      command,
      wallMs: ns / 1e6,
      cpuMs: (user + kernel) / 1e3,
      peakMb: (peakKb * 1024) / 1e6,
      pageFaults: major + minor,
      leftMb: (leftKb * 1024) / 1e6,
      beginNs: BigInt(line.slice(line.lastIndexOf(" ") + 1)),
    };
  });
}

export function readResult(outcomes: Outcomes, { name, commands, rounds, differ }: Contest): Result {
  const runs = readRuns(outcomes, name);
  const each = commands.map((command, index) => {
    const own = runs.filter((run) => run.command === index);
    if (own.length !== rounds) throw new Error(`"${name}" has ${own.length} of ${rounds} runs of ${command.name}`);
    return { name: command.name, own };
  });
  const size = outcomes.get(sizeStep(name));
  const times = (wanted: string) => each.find((one) => one.name === wanted)?.own.map(({ wallMs }) => wallMs) ?? [];
  return {
    ...{ name, rounds, rows: each.map((one) => summarize(one.name, one.own)) },
    ...(size === undefined ? {} : { xmlBytes: Number(size.stdout) }),
    ...(differ === undefined ? {} : { differenceMs: medianDifference(times(differ.more), times(differ.less)) }),
  };
}

/** Of two programs' runs in the same rounds: what falls on both is in neither. */
const medianDifference = (more: readonly number[], less: readonly number[]) =>
  median(more.map((ms, round) => ms - (less[round] ?? Number.NaN)));

function summarize(name: string, runs: readonly Run[]): Figures {
  const medianOf = (pick: (run: Run) => number) => median(runs.map(pick));
  return {
    name,
    medianMs: medianOf((run) => run.wallMs),
    slowestMs: Math.max(...runs.map((run) => run.wallMs)),
    cpuMs: medianOf((run) => run.cpuMs),
    peakMb: medianOf((run) => run.peakMb),
    pageFaults: medianOf((run) => run.pageFaults),
    leftMb: medianOf((run) => run.leftMb),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return ((sorted[middle] ?? 0) + (sorted[Math.ceil(sorted.length / 2 - 1)] ?? 0)) / 2;
}

export function findRow({ name, rows }: Result, wanted: string): Figures {
  const row = rows.find((one) => one.name === wanted);
  if (row === undefined) throw new Error(`"${name}" has no row "${wanted}"`);
  return row;
}

/** Of the medians of two rows in one contest. */
export function ratio(result: Result, name: string, to: string): number {
  return findRow(result, name).medianMs / findRow(result, to).medianMs;
}

export function requireSuccess(outcomes: Outcomes): Outcomes {
  for (const { name, exit, stderr } of outcomes.values()) {
    if (exit !== 0) throw new Error(`"${name}" ended with ${exit}:\n${stderr}`);
  }
  return outcomes;
}
