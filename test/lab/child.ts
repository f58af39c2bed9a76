// Runs a program that must not outlive this process.
import { type StdioOptions, spawn } from "node:child_process";

export interface Ended {
  /** Exit status, or 128 and the signal's number as a shell has it, or 127 if it could not be started. */
  readonly exit: number;
  /** Both streams together, as far as they were not given elsewhere by `stdio`. */
  readonly output: string;
}

export interface ChildOptions {
  readonly stdio?: StdioOptions;
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `command`; the kernel kills it when this process dies, however it dies. Resolves, never rejects, on failure. */
export function runChild(command: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn("setpriv", ["--pdeathsig", "KILL", ...command], {
      stdio: options.stdio ?? ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    options.signal?.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
    child.on("error", (error) => resolve({ exit: 127, output: `${output}${error.message}` }));
    child.on("close", (code) => resolve({ exit: code ?? 137, output }));
  });
}
