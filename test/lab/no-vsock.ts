// Compiles no-vsock, under which everything in the labs runs, so that none of it can reach this machine's own AF_VSOCK.
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { runChild } from "./child.ts";
import { labFile } from "./root.ts";

/** Returns the path of the program; compiles it where it is missing or older than its source. Throws with gcc's words. */
export async function ensureNoVsock(): Promise<string> {
  const source = labFile("no-vsock.c");
  const program = resolve("build/lab/no-vsock");
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  requirePrograms({ gcc: "gcc libc6-dev" });
  mkdirSync(dirname(program), { recursive: true });
  const draft = `${program}.${process.pid}`;
  const flags = ["-O2", "-static", "-Wall", "-Wextra", "-Werror"];
  const compiled = await runChild(["gcc", ...flags, "-o", draft, source]);
  if (compiled.exit !== 0) throw new Error(`cannot compile ${source}:\n${compiled.output}`);
  renameSync(draft, program);
  return program;
}
