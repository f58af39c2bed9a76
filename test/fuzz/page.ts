// docs/fuzz.md: what was run, for how long, and what came of it.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describeRun } from "../bench/about.ts";
import type { FuzzTarget } from "./targets.ts";

const PAGE = "docs/fuzz.md";

/** The decoders' own tests, with so many times the cases of `npm test`: 100,000 each. */
const FACTOR = 100;
const DECODERS = "test/unit/decoders.test.ts";
const CASES = "build/fuzz/cases.json";

/** What afl-fuzz says of itself at the end, and what is kept of it. */
export interface Figures {
  readonly target: FuzzTarget;
  readonly stats: ReadonlyMap<string, string>;
  readonly findings: readonly string[];
  readonly kept: number;
}

interface Cases {
  readonly decoders: number;
  readonly failed: number;
  readonly seconds: number;
}

/** What vitest writes with `--reporter=json`. */
interface VitestReport {
  readonly numTotalTests: number;
  readonly numFailedTests: number;
}

/** Tries every decoder 100,000 times, with fast-check. */
export function tryDecoders(): Cases {
  rmSync(CASES, { force: true });
  const startedMs = performance.now();
  const words = ["vitest", "run", "--project", "unit", "--testTimeout=0"];
  spawnSync("npx", [...words, "--reporter=default", "--reporter=json", `--outputFile.json=${CASES}`, DECODERS], {
    env: { ...process.env, VIRTSSH_FUZZ: String(FACTOR) },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const report = JSON.parse(readFileSync(CASES, "utf8")) as VitestReport;
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  return { decoders: report.numTotalTests, failed: report.numFailedTests, seconds };
}

const COLUMNS = ["target", "command", "seconds", "executions", "a second", "edges", "test cases kept", "findings"];

const count = (figure: number) => figure.toLocaleString("en-US");

/** A key is long, and says nothing to a reader. */
const showCommand = ({ words, isModule }: FuzzTarget) =>
  isModule === true
    ? "functions of the C module"
    : `\`${words.map((word) => (word.length > 40 ? "KEY" : word)).join(" ")}\``;

function makeRow({ target, stats, findings, kept }: Figures): string[] {
  const figure = (name: string) => Number(stats.get(name) ?? 0);
  const [seconds, executions] = [figure("run_time"), figure("execs_done")];
  return [
    target.name,
    showCommand(target),
    ...[seconds, executions, Math.round(executions / Math.max(1, seconds)), figure("edges_found"), kept].map(count),
    count(findings.length),
  ];
}

export function formatTable(all: readonly Figures[]): string {
  const sum = (name: string) => all.reduce((total, { stats }) => total + Number(stats.get(name) ?? 0), 0);
  const last = ["all", "", count(sum("run_time")), count(sum("execs_done")), "", "", "", ""];
  const rows = [COLUMNS, COLUMNS.map(() => "---"), ...all.map(makeRow), last];
  return rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** Mended, each with a test case among those that `test/fuzz/targets.ts` begins with. */
const FOUND = [
  "native: a deadline that is no number was converted to one as C leaves undefined (`left_ms()`); so were CIDs, ports and owners out of range. Nothing outside the program could bring them there.",
];

/** Shows what was written. */
export function writePage(all: readonly Figures[], cases: Cases): void {
  const { date, program, machine } = describeRun();
  const [stability = 100] = all
    .map(({ stats }) => Number.parseFloat(stats.get("stability") ?? ""))
    .sort((a, b) => a - b);
  const text = `# Fuzzing

Written by \`npm run fuzz -- --write\`: ${date}, ${program}, ${machine}.

AFL++ makes up what comes from a daemon, from a guest and out of files, for the whole program; and the calls of its C module. Both run
under AddressSanitizer and UndefinedBehaviorSanitizer, and AFL++ sees which way their C goes, and their bytecode (edges). A finding is a
crash, a hang, an exit status that stands for a bug, a failure without a word, or a character on a terminal that would be obeyed.
\`test/fuzz/harness.c\` stands between the program and the kernel. Test cases begin with what a real libvirtd has said
(\`npm run fuzz -- --record\`), and with the corpus of earlier runs, \`test/fuzz/corpus\`. The least stable target was stable in
${stability} % of its edges.

${formatTable(all)}
Every decoder of what others have written, ${cases.decoders} of them, was tried with ${count(FACTOR * 1_000)} cases by fast-check (\`${DECODERS}\`), in ${cases.seconds} s:
${cases.failed === 0 ? "none failed" : `${cases.failed} failed`}.

## What was found

${FOUND.map((one) => `- ${one}\n`).join("")}`;
  mkdirSync(dirname(PAGE), { recursive: true });
  writeFileSync(PAGE, text);
}
