// `npm run bench`: whole processes, timed side by side in the labs; writes docs/bench/ and the README's table when all is done.
//     npm run bench -- --rounds 3 --megabytes 20 --print            # sees that it works, and writes nothing
//     npm run bench -- --part profile --part relay                  # only these, of contests, profile, relay; writes nothing
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { describeRun } from "./about.ts";
import { FIGURES, renderPages, writeFigures, writeText } from "./document.ts";
import { runNativeContests } from "./native.ts";
import { runProfile } from "./profile.ts";
import { runRelays } from "./relay.ts";
import { type Found, replaceSpeed } from "./targets.ts";

const FOLDER = "docs/bench";
/** On the same file system, so that a name is all that changes. */
const DRAFT = "build/bench/docs";
const README = "README.md";

interface Amounts {
  readonly rounds: number;
  readonly bytes: number;
}

const RELAY_ROUNDS_MAX = 5;

/** In the order in which they are run. */
const PARTS: Readonly<Record<string, (amounts: Amounts) => Promise<Omit<Found, "about">>>> = {
  contests: async ({ rounds }) => await runNativeContests(rounds),
  profile: async ({ rounds }) => ({ profile: await runProfile(rounds) }),
  relay: async ({ bytes, rounds }) => ({
    relays: await runRelays({ bytes, rounds: Math.min(rounds, RELAY_ROUNDS_MAX) }),
  }),
};

function parsePositive(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${option} takes a whole number, not "${text}"`);
  return number;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "100" },
      megabytes: { type: "string", default: "1000" },
      part: { type: "string", multiple: true, default: [] },
      print: { type: "boolean", default: false },
    },
  });
  const unknown = values.part.find((part) => !Object.hasOwn(PARTS, part));
  if (unknown !== undefined) throw new Error(`--part is one of ${Object.keys(PARTS).join(", ")}, not "${unknown}"`);
  return {
    rounds: parsePositive("rounds", values.rounds),
    bytes: parsePositive("megabytes", values.megabytes) * 1e6,
    parts: Object.entries(PARTS).filter(([name]) => values.part.length === 0 || values.part.includes(name)),
    writes: !values.print && values.part.length === 0,
  };
}

/** Nothing of an earlier run stays, and nothing of this one is there before all of it is. */
function write(found: Found): void {
  const pages = { ...renderPages(found), [FIGURES]: writeFigures(found) };
  const readme = replaceSpeed(readFileSync(README, "utf8"), found);
  rmSync(DRAFT, { recursive: true, force: true });
  mkdirSync(DRAFT, { recursive: true });
  for (const [file, text] of Object.entries(pages)) writeFileSync(join(DRAFT, file), text);
  writeFileSync(`${DRAFT}.md`, readme);
  mkdirSync(dirname(FOLDER), { recursive: true });
  rmSync(`${DRAFT}.old`, { recursive: true, force: true });
  if (existsSync(FOLDER)) renameSync(FOLDER, `${DRAFT}.old`);
  renameSync(DRAFT, FOLDER);
  renameSync(`${DRAFT}.md`, README);
  rmSync(`${DRAFT}.old`, { recursive: true, force: true });
}

/** What else runs makes everything slower, and not all alike. */
function warnOfLoad({ load }: Found["about"]): void {
  if (load > cpus().length / 2) process.stderr.write(`bench: the machine is busy (load ${load}): ratios will be off\n`);
}

async function bench(): Promise<void> {
  const { parts, writes, ...amounts } = readOptions();
  const about = describeRun();
  warnOfLoad(about);
  const { status } = spawnSync("npm", ["run", "--silent", "build", "--", "--bench"], { stdio: "inherit" });
  if (status !== 0) throw new Error("npm run build failed");
  let measured: Omit<Found, "about"> = {};
  for (const [, run] of parts) measured = { ...measured, ...(await run(amounts)) };
  const found = JSON.parse(writeFigures({ about, ...measured })) as Found; // as whoever reads the file has it
  process.stdout.write(writeText(found));
  if (writes) write(found);
}

try {
  await bench();
} catch (error) {
  process.stderr.write(`bench: error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
