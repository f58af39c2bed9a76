// `npm run load`: hundreds of helpers at once, and minutes of domains that come and go, beside a real libvirtd; prints what was
// measured as a table, and with `--write` puts it into docs/load.md.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeRun } from "../bench/about.ts";
import { forgetFigures, readFigures, renderFigures, SECONDS_VARIABLE } from "./figures.ts";

const PAGE = "docs/load.md";

/** What all rows have passed: the assertions of the tests beside this file. */
const INTRODUCTION = `# Load

What \`npm run load -- --write\` measured, beside a real libvirtd with its usual limits, and guests behind a stand-in for AF_VSOCK. Each
answer is held against what the program says alone, or against what was true of the domain at the time. In no row was one wrong, was a
process or a descriptor of libvirtd's left, or was the median of peak memory more than 0.3 MB above what one takes alone. (Of a single
process the kernel's count may be out by 32 pages for each processor and kind of page.)
`;

function run(program: string, args: readonly string[]): void {
  const { status } = spawnSync(program, args, { stdio: "inherit" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed`);
}

try {
  const { values } = parseArgs({
    options: { seconds: { type: "string", default: "300" }, write: { type: "boolean", default: false } },
  });
  if (!/^[1-9]\d*$/.test(values.seconds)) throw new Error(`${values.seconds} is no number of seconds`);
  process.env[SECONDS_VARIABLE] = values.seconds;
  run("npm", ["run", "--silent", "build", "--", "--bench"]);
  forgetFigures();
  run("npx", ["vitest", "run", "--project", "load", "--maxWorkers=1"]);
  const { date, program, machine } = describeRun();
  const table = renderFigures(readFigures());
  process.stdout.write(`\n${table}`);
  mkdirSync("docs", { recursive: true });
  if (values.write) writeFileSync(PAGE, `${INTRODUCTION}\n${date}, ${program}.\n${machine}.\n\n${table}`);
} catch (error) {
  process.stderr.write(`load: error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
