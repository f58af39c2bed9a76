// A process, as /proc tells of it.

import type { FakeFile } from "./fake-files.ts";

interface FakeProcess {
  readonly pid: number;
  readonly startTime: number;
  readonly program: string;
  /** Where its stack begins; at 1407 unless told. */
  readonly stack?: string;
}

/** Its file, by its path: proc_pid_stat(5), all but these facts as a real ssh had them. */
export function describeProcess({ pid, startTime, program, stack = "1407" }: FakeProcess): Record<string, FakeFile> {
  const before = "S 1 4711 4000 34816 4711 4194560 1042 0 9 0 1 2 0 0 20 0 1 0";
  const after = `10969088 2048 18446744073709551615 1 1 ${stack} 0 0 0 0 4096 134300676 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0`;
  return { [`/proc/${pid}/stat`]: { text: `${pid} (${program}) ${before} ${startTime} ${after}\n` } };
}
