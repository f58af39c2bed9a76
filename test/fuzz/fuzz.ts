// `npm run fuzz [-- --seconds N] [--target NAME] [--record] [--write]`: AFL++ on the whole program, on all processors. What it finds is
// printed, and stays in build/fuzz/findings; test cases that reach something new are kept in test/fuzz/corpus. With --record those of a real
// libvirtd come first; --write tries every decoder, too, and writes docs/fuzz.md.
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { shellQuote } from "../../helper/quote.ts";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { runCommand } from "../../packaging/run-command.ts";
import { buildTargets, MODULE, PROGRAM } from "./build-target.ts";
import { readCorpus, writeCorpus } from "./corpus.ts";
import { formatTable, tryDecoders, writePage } from "./page.ts";
import { recordSeeds } from "./record.ts";
import { recordLibvirtd } from "./record-libvirtd.ts";
import { type FuzzTarget, HOME, KEY_FILE, KEY_LINE, TARGETS } from "./targets.ts";

const FOLDER = "build/fuzz";

/** Of one test case, under sanitizers and on a machine that is busy. */
const TIMEOUT_MS = 2_000;

const ENVIRONMENT = {
  AFL_NO_UI: "1",
  AFL_NO_AFFINITY: "1", // other processes have a right to run
  AFL_SKIP_CPUFREQ: "1",
  AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES: "1",
  AFL_QUIET: "1",
  AFL_ALLOW_TMP: "1", // a clone may be anywhere
};

/** Where the program runs, and what it is given. */
interface Place {
  readonly command: readonly string[];
  readonly home: string;
  readonly file: string | undefined;
}

function makePlace({ name, words, file, others = {}, isModule }: FuzzTarget): Place {
  const home = resolve(FOLDER, "home", name);
  rmSync(home, { recursive: true, force: true });
  const files = { [KEY_FILE]: `${KEY_LINE}\n`, ...others, ...(file === undefined ? {} : { [file]: "" }) };
  for (const folder of [home, join(home, "run/virtssh")]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, path), text, { mode: 0o600 });
  }
  return {
    command: [resolve(isModule === true ? MODULE : PROGRAM), ...words.map((word) => word.replace(HOME, home))],
    home,
    file: file === undefined ? undefined : join(home, file), // harness.c knows better what is in it
  };
}

/** What the program sees of it. */
function surroundingsOf({ home, file }: Place): Record<string, string> {
  const given = { HOME: home, XDG_RUNTIME_DIR: join(home, "run"), LIBVIRT_AUTOSTART: "0" };
  return file === undefined ? given : { ...given, VIRTSSH_FUZZ_FILE: file };
}

function environmentOf(place: Place): NodeJS.ProcessEnv {
  return { ...ENVIRONMENT, PATH: process.env["PATH"], ...surroundingsOf(place) };
}

function formatVariables(variables: NodeJS.ProcessEnv): string[] {
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
}

async function prepare(target: FuzzTarget): Promise<void> {
  const folder = join(FOLDER, "in", target.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const bytes of [...(await recordSeeds(target)), ...readCorpus(target.name)]) {
    writeFileSync(join(folder, nameCase(bytes)), bytes);
  }
}

function nameCase(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 12);
}

interface Result {
  readonly target: FuzzTarget;
  readonly place: Place;
  /** What afl-fuzz says of itself. */
  readonly stats: ReadonlyMap<string, string>;
}

async function fuzz(target: FuzzTarget, seconds: number): Promise<Result> {
  const place = makePlace(target);
  const out = join(FOLDER, "out", target.name);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const child = spawn(
    "afl-fuzz",
    [
      ...["-i", join(FOLDER, "in", target.name), "-o", out, "-V", String(seconds), "-t", `${TIMEOUT_MS}+`],
      ...["-x", "test/fuzz/dictionary.txt"],
      "--",
      ...place.command,
    ],
    { env: environmentOf(place), stdio: ["ignore", "pipe", "pipe"] },
  );
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => said.push(bytes));
  await once(child, "close");
  const file = join(out, "default/fuzzer_stats");
  if (!existsSync(file)) throw new Error(`afl-fuzz of ${target.name} failed:\n${Buffer.concat(said)}`);
  return { target, place, stats: readStats(readFileSync(file, "utf8")) };
}

function readStats(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [, name, value] = /^(\w+)\s*: (.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** As many at once as there are processors, and as long for each as that takes. */
async function fuzzAll(targets: readonly FuzzTarget[], seconds: number): Promise<Result[]> {
  const atOnce = Math.min(targets.length, availableParallelism());
  const each = Math.max(1, Math.floor((seconds * atOnce) / targets.length));
  tell(`fuzzing ${targets.length} targets, ${each} s each, ${atOnce} at once`);
  const waiting = [...targets];
  const results: Result[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) results.push(await fuzz(next, each));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results.sort((a, b) => targets.indexOf(a.target) - targets.indexOf(b.target));
}

/** Keeps the fewest of the test cases that reach all that was reached, as far as there is room. Returns how many. */
function keep({ target, place }: Result): number {
  const minimized = join(FOLDER, "minimized", target.name);
  rmSync(minimized, { recursive: true, force: true });
  mkdirSync(dirname(minimized), { recursive: true });
  const words = [
    ...["afl-cmin", "-i", join(FOLDER, "out", target.name, "default/queue"), "-o", minimized, "-t", String(TIMEOUT_MS)],
    "--",
    ...place.command,
  ];
  runCommand(["env", ...formatVariables(environmentOf(place)), ...words]);
  return writeCorpus(
    target.name,
    readdirSync(minimized).map((name) => readFileSync(join(minimized, name))),
  );
}

/** Each with the command that shows it again. */
function listFindings({ target, place }: Result): string[] {
  return ["crashes", "hangs"].flatMap((kind) => {
    const folder = join(FOLDER, "out", target.name, "default", kind);
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith("id:")) : [];
    return names.map((name) => showFinding(kind, readFileSync(join(folder, name)), { target, place }));
  });
}

function showFinding(kind: string, bytes: Buffer, { target, place }: Pick<Result, "target" | "place">): string {
  const path = join(FOLDER, "findings", `${target.name}-${kind}-${nameCase(bytes)}`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  const again = runAgain(bytes, place);
  const last = again.stderr.split("\n").filter(Boolean).slice(0, 3).join(" | ");
  const words = ["env", ...formatVariables({ ...surroundingsOf(place), ...AGAIN }), ...place.command];
  const command = `${words.map(shellQuote).join(" ")} < ${path}`;
  return `${target.name}, ${kind}: ${again.signal ?? again.status}: ${JSON.stringify(last)}\n  ${command}\n`;
}

const AGAIN = { ASAN_OPTIONS: "detect_leaks=0:abort_on_error=1" };

/** Without AFL++. */
function runAgain(input: Buffer, place: Place): SpawnSyncReturns<string> {
  const [program = "", ...words] = place.command;
  const env = { ...environmentOf(place), ...AGAIN };
  return spawnSync(program, words, { env, input, encoding: "utf8", timeout: TIMEOUT_MS * 5 });
}

/** What was found before, and is there again: afl-fuzz leaves out what crashes at the beginning. */
function listRelapses(target: FuzzTarget): string[] {
  const place = makePlace(target);
  const folder = join(FOLDER, "in", target.name);
  const cases = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  const bad = cases.filter((bytes) => runAgain(bytes, place).signal !== null);
  return bad.map((bytes) => showFinding("relapse", bytes, { target, place }));
}

function tell(what: string): void {
  process.stderr.write(`${what} …\n`);
}

/** All, where none is named. */
function chooseTargets(names: readonly string[] = TARGETS.map(({ name }) => name)): FuzzTarget[] {
  const unknown = names.find((one) => TARGETS.every(({ name }) => name !== one));
  const all = TARGETS.map(({ name }) => name).join(", ");
  if (unknown !== undefined) throw new Error(`there is no target ${unknown}; there are ${all}`);
  return TARGETS.filter(({ name }) => names.includes(name));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "600" },
      target: { type: "string", multiple: true },
      record: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  if (!/^[1-9]\d*$/.test(values.seconds)) throw new Error(`${values.seconds} is no number of seconds`);
  if (values.write && values.target !== undefined) throw new Error("--write is for all targets: leave out --target");
  const targets = chooseTargets(values.target);
  requirePrograms({ "afl-fuzz": "afl++ libclang-rt-dev", clang: "clang libclang-rt-dev" });
  tell("building the program, and the engine, for this");
  runCommand(["npm", "run", "--silent", "build", "--", "--checked"]);
  if (values.record) await recordLibvirtd(targets);
  await buildTargets();
  for (const target of targets) await prepare(target);
  const cases = values.write ? tryDecoders() : undefined;
  const relapses = new Map(targets.map((target) => [target, listRelapses(target)]));
  process.stdout.write([...relapses.values()].flat().join("")); // now: without a test case that does not crash afl-fuzz gives up
  const results = await fuzzAll(targets, Number(values.seconds));
  tell("keeping the test cases that reach all that was reached");
  const figures = results.map((result) => ({
    ...result,
    findings: [...(relapses.get(result.target) ?? []), ...listFindings(result)],
    kept: keep(result),
  }));
  const findings = figures.flatMap((one) => one.findings);
  process.stdout.write(`${formatTable(figures)}${results.flatMap(listFindings).join("")}`);
  if (cases !== undefined) writePage(figures, cases);
  process.exitCode = findings.length === 0 && (cases?.failed ?? 0) === 0 ? 0 : 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`fuzz: error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
