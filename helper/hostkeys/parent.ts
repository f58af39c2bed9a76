/** The process that has started us, so that it is known again by another child of its own. */

import { type System, SystemError } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";

export interface Parent {
  readonly pid: number;
  /** Clock ticks since the machine's start; with the pid, no other process's: proc_pid_stat(5), field 22. */
  readonly startTime: number;
  /** What it runs, at most 15 bytes of it; another program's after execve(2), when pid and time are the same. */
  readonly program: string;
  /** Where its stack begins, which is elsewhere after execve(2), whatever the program is called: field 28; 0 where that is hidden. */
  readonly stack: string;
}

const MAX_STAT_BYTES = 1_024;

/** After the program's name, which is in parentheses and may hold some: field 3 is the first. */
const START_TIME = 22 - 3;
const STACK = 28 - 3;

/** undefined where it is out of our sight: in another PID namespace, or gone. */
export function findParent(sys: System): Parent | undefined {
  return findProcess(sys.parentId(), sys);
}

export function findProcess(pid: number, sys: System): Parent | undefined {
  if (pid <= 0) return undefined;
  const text = readStat(pid, sys);
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  const { [START_TIME]: startTime, [STACK]: stack = "" } = fields;
  if (end < 0 || startTime === undefined || !/^\d+$/.test(startTime)) return undefined;
  return { pid, startTime: Number(startTime), program: text.slice(text.indexOf("(") + 1, end), stack };
}

function readStat(pid: number, sys: System): string {
  try {
    return decodeUtf8(sys.readFile(`/proc/${pid}/stat`, MAX_STAT_BYTES));
  } catch (error) {
    if (error instanceof SystemError) return "";
    throw error;
  }
}
