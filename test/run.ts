// `npm test`: everything, in the order in which a failure is cheapest: checks, build, unit tests, daemon tests, lab; then
// whether they have seen every sentence.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { PRINTED_VARIABLE, readPrinted } from "./fixtures/printed.ts";
import { findUnproved, ROWS } from "./fixtures/proof.ts";

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** What vitest's JSON reporter writes, as far as it is used here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
}

function run(what: string, words: readonly string[]): boolean {
  process.stdout.write(`\n== ${what}\n`);
  const begin = performance.now();
  const [program = "", ...args] = words;
  const { status } = spawnSync(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  process.stdout.write(
    `== ${what}: ${status === 0 ? "ok" : "failed"}, ${((performance.now() - begin) / 1000).toFixed(1)} s\n`,
  );
  return status === 0;
}

function check(what: string, words: readonly string[]): Counts {
  return run(what, words) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Test files that run at once, where what they wait for is mostly a machine of their own, of one processor. */
const AT_ONCE = Math.min(2, availableParallelism());

/** A skipped test counts as failed: it has shown nothing. So does a run that ended before it could count. */
function runTests(project: string, atOnce = 1): Counts {
  const file = `build/test/${project}.json`;
  rmSync(file, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const ended = run(`${project} tests`, [
    "npx",
    "vitest",
    "run",
    "--project",
    project,
    `--maxWorkers=${atOnce}`,
    ...reporters,
  ]);
  try {
    const report = JSON.parse(readFileSync(file, "utf8")) as Report;
    const failed = report.numFailedTests + report.numPendingTests + report.numTodoTests;
    return { passed: report.numPassedTests, failed: ended && report.success ? failed : Math.max(1, failed) };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

/** What the tests have seen the program print. */
const PRINTED = resolve("build/test/printed.jsonl");

/** Each sentence that the program has was printed by the test that is said to cause it. */
function checkSentences(): Counts {
  const unproved = findUnproved(readPrinted(PRINTED));
  process.stdout.write(`\n== sentences\n${unproved.map((line) => `${line}\n`).join("")}`);
  process.stdout.write(`== sentences: ${unproved.length === 0 ? "ok" : "failed"}\n`);
  return { passed: ROWS.length - unproved.length, failed: unproved.length };
}

const STAGES: readonly (() => Counts)[] = [
  () => check("types", ["npx", "tsc"]),
  () => check("lint", ["npx", "biome", "ci"]),
  () => check("unused code", ["npx", "knip"]),
  () => runTests("unit"),
  () => check("build", ["node", "packaging/run.mjs", "packaging/build.ts", "--checked"]),
  () => runTests("daemon", AT_ONCE),
  () => check("packages", ["node", "packaging/run.mjs", "packaging/packages.ts"]),
  () => runTests("packages", AT_ONCE),
  () => runTests("lab", AT_ONCE),
  checkSentences,
];

mkdirSync("build/test", { recursive: true });
rmSync(PRINTED, { force: true });
process.env[PRINTED_VARIABLE] = PRINTED;
const begin = performance.now();
let passed = 0;
let failed = 0;
for (const stage of STAGES) {
  const counts = stage();
  passed += counts.passed;
  failed += counts.failed;
}
process.stdout.write(`\nin ${((performance.now() - begin) / 1000).toFixed(0)} s\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
