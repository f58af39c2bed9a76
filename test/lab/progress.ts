// What a person sees while something takes long: one line for each thing that is done, with its seconds.

/** Receives whole lines, without their line end. */
export type Progress = (line: string) => void;

/** Writes lines to stderr, so that a program's own output stays clean. */
export const toStderr: Progress = (line) => {
  process.stderr.write(`${line}\n`);
};

/** "3.2 s", for the end of a progress line. */
export function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Runs `work`, then reports `what` with the time it took. A failure is left to whoever catches it. */
export async function timed<T>(progress: Progress, what: string, work: () => T | Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await work();
  progress(`${what} (${formatSeconds(performance.now() - begin)})`);
  return result;
}
