// The test cases that are kept: a file for each target, a test case a line, in base64.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = "test/fuzz/corpus";

/** More of one, or of one target, would not be looked at by anybody, and there is no limit that needs it. */
const MOST_BYTES = 16_384;
const MOST_TOGETHER = 65_536;

function fileOf(target: string): string {
  return join(FOLDER, `${target}.txt`);
}

export function readCorpus(target: string): Buffer[] {
  const path = fileOf(target);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => Buffer.from(line, "base64"));
}

/** The short ones, where there is no room for all. Returns how many are kept. */
export function writeCorpus(target: string, cases: readonly Buffer[]): number {
  mkdirSync(FOLDER, { recursive: true });
  const kept = cases.filter(({ length }) => length > 0 && length <= MOST_BYTES);
  const lines = [...new Set(kept.map((bytes) => `${bytes.toString("base64")}\n`))];
  lines.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  let room = MOST_TOGETHER;
  const fitting = lines.filter(({ length }) => {
    room -= length;
    return room >= 0;
  });
  writeFileSync(fileOf(target), fitting.join(""));
  return fitting.length;
}
