// Runs one program for a build, quietly.
import { spawnSync } from "node:child_process";

/** Throws an Error with the program's whole output, which is shown in no other case. Returns its stdout. */
export function runCommand(words: readonly string[], options: { readonly cwd?: string } = {}): string {
  const [program = "", ...args] = words;
  const run = spawnSync(program, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024, ...options });
  if (run.error !== undefined) throw new Error(`cannot run ${program}`, { cause: run.error });
  if (run.status !== 0) throw new Error(`${words.join(" ")} failed:\n${run.stdout}${run.stderr}`);
  return run.stdout;
}
