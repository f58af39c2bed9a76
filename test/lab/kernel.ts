// Owns the box's kernel, User Mode Linux: compiles it once, keeps it in the user's cache, and says where it is.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory, cacheKey } from "../../packaging/cache.ts";
import { runChild } from "./child.ts";
import { type Progress, timed } from "./progress.ts";
import { labFile } from "./root.ts";

/** Everything that the kernel is made from, but for the root that lends its libraries. A change in any of them makes a new one. */
const SOURCES = ["kernel.sh", "kernel-inside.sh", "kernel.config"] as const;

/**
 * Returns the directory with the kernel (`linux`) and the list of its modules; compiles it first if there is none yet, which takes
 * two minutes and, for that time, 2 GB of disk. Several processes may call this at once. Throws an Error with the end of the output
 * where it cannot be made.
 */
export async function ensureKernel(root: string, progress: Progress): Promise<string> {
  const kernel = join(cacheDirectory(), `kernel-${cacheKey(SOURCES.map(labFile))}`);
  if (existsSync(kernel)) return kernel;
  progress("compiling the box's kernel, once; this takes two minutes");
  await timed(progress, "compiled the box's kernel", async () => {
    const command = ["bash", labFile("make-once.sh"), kernel, labFile("kernel.sh"), root];
    const made = await runChild(["flock", "--shared", `${root}.lock`, ...command]);
    if (made.exit !== 0) throw new Error(`cannot compile the box's kernel: ${made.output.slice(-4000)}`);
  });
  return kernel;
}
