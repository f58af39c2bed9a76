// Compiles the labs' own C files.
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { runChild } from "./child.ts";
import { labFile } from "./root.ts";

/** What this process has compiled, or is about to: labs that run at once share it. */
const compiled = new Map<string, Promise<string>>();

/**
 * Returns the path of build/lab/`output`, which gcc makes with `flags` of `source`, a file of this folder; compiles it where it is
 * missing or older than its source. Throws with gcc's words.
 */
export function ensureCompiled(output: string, source: string, flags: readonly string[]): Promise<string> {
  const made = compiled.get(output) ?? compile(resolve("build/lab", output), labFile(source), flags);
  compiled.set(output, made);
  return made;
}

async function compile(output: string, source: string, flags: readonly string[]): Promise<string> {
  if (existsSync(output) && statSync(output).mtimeMs > statSync(source).mtimeMs) return output;
  requirePrograms({ gcc: "gcc libc6-dev" });
  mkdirSync(dirname(output), { recursive: true });
  const draft = `${output}.${process.pid}`;
  const ended = await runChild(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", ...flags, "-o", draft, source]);
  if (ended.exit !== 0) throw new Error(`cannot compile ${source}:\n${ended.output}`);
  renameSync(draft, output);
  return output;
}
