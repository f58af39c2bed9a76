// Compiles no-vsock, under which everything in the labs runs, so that none of it can reach this machine's own AF_VSOCK.
import { ensureCompiled } from "./compile.ts";

/** Returns the path of the program. Throws with gcc's words. */
export function ensureNoVsock(): Promise<string> {
  return ensureCompiled("no-vsock", "no-vsock.c", ["-static"]);
}
