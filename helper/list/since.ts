/** Since when a guest runs, which libvirt tells nobody: its QEMU's process was started then. */

import { findProcess } from "../hostkeys/parent.ts";
import { formatTime } from "../hostkeys/time.ts";
import type { ListedDomain } from "../libvirt/list-domains.ts";
import { type System, SystemError } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";

/** A number of ten digits, and room. */
const MAX_PID_BYTES = 32;

/** Up to -uuid, before which are the machine, its memory and its NUMA cells: qemuBuildCommandLine() in qemu_command.c. */
const MAX_COMMAND_BYTES = 16_384;

/** A line for each processor, and the counts of all interrupts on one, come before what is looked for. */
const MAX_STAT_BYTES = 1_048_576;

/** USER_HZ, in include/uapi/asm-generic/param.h of the kernel: the unit of all clock ticks that it shows. */
const TICKS_A_SECOND = 100;

/** For the start times of many processes. */
export class StartTimes {
  readonly #sys: System;
  readonly #bootTime: number | undefined;

  constructor(sys: System) {
    this.#sys = sys;
    this.#bootTime = findBootTime(sys);
  }

  /** In UTC, as RFC 3339 has it; undefined where the process is out of our sight: in another PID namespace, or behind hidepid. */
  find(domain: ListedDomain): string | undefined {
    if (this.#bootTime === undefined || domain.id < 0) return undefined;
    const pid = readPid(domain, this.#sys);
    if (pid === undefined || readUuid(pid, this.#sys) !== domain.uuid) return undefined;
    const found = findProcess(pid, this.#sys);
    if (found === undefined) return undefined;
    return formatTime(this.#bootTime + found.startTime / TICKS_A_SECOND);
  }
}

/** proc_stat(5), btime: when the machine was started. */
function findBootTime(sys: System): number | undefined {
  const stat = unlessRefused(() => decodeUtf8(sys.readFile("/proc/stat", MAX_STAT_BYTES)));
  const seconds = /^btime (\d{1,12})$/m.exec(stat ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

/** What virBufferEscapeString() of libvirt's virbuffer.c makes of a name, also for the one of a file. */
const ENTITIES: readonly (readonly [mark: string, entity: string])[] = [
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&apos;"],
];

/** virPidFileBuildPath() of libvirt's virpidfile.c, in the stateDir of virQEMUDriverConfigNew() in qemu_conf.c. */
function readPid({ uri, name, socketPath }: ListedDomain, sys: System): number | undefined {
  if (/[/\0]/.test(name)) return undefined;
  const directory = socketPath.slice(0, socketPath.lastIndexOf("/"));
  const file = ENTITIES.reduce((text, [mark, entity]) => text.replaceAll(mark, entity), name);
  const path = `${directory}/${uri === "qemu:///system" ? "qemu" : "qemu/run"}/${file}.pid`;
  const found = unlessRefused(() => sys.readOwnFile(path, MAX_PID_BYTES));
  const digits = found === undefined ? undefined : /^\d{1,10}$/.exec(decodeUtf8(found.content).trim())?.[0];
  return digits === undefined ? undefined : Number(digits);
}

const NUL = 0;
const UUID_OPTION = "-uuid";

/** The UUID that QEMU was started with: another process may have the number by now. */
function readUuid(pid: number, sys: System): string | undefined {
  const command = unlessRefused(() => sys.readFile(`/proc/${pid}/cmdline`, MAX_COMMAND_BYTES)) ?? new Uint8Array();
  let isNext = false;
  for (let start = 0; start < command.length; ) {
    const found = command.indexOf(NUL, start);
    const end = found < 0 ? command.length : found;
    if (isNext) return decodeUtf8(command.subarray(start, end));
    isNext = end - start === UUID_OPTION.length && decodeUtf8(command.subarray(start, end)) === UUID_OPTION;
    start = end + 1;
  }
  return undefined;
}

function unlessRefused<Result>(act: () => Result): Result | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}
