/** ssh itself, and its configuration as ssh sees it. */

import { HelperError } from "../failure.ts";
import type { FileOwner } from "../failure-facts.ts";
import { quote } from "../quote.ts";
import { ENOENT, ETIMEDOUT, errnoName } from "../sys/errno.ts";
import { type System, SystemError } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";
import type { Passed } from "./report.ts";
import {
  type Configuration,
  parseBadOwner,
  parseComplaint,
  parseConfiguration,
  parseVersion,
  type SshVersion,
} from "./ssh-output.ts";

/** What is looked into. */
export interface Context {
  readonly sys: System;
  /** When all of it must be over, on the clock of System.nowMs(). */
  readonly deadlineMs: number;
  /** What a person would type after `ssh`. */
  readonly host: string;
}

/** The oldest ssh that takes all of the drop-in: OpenSSH's release notes for 8.5 have KnownHostsCommand. One that is older ends at it. */
const OLDEST: SshVersion["numbers"] = [8, 5];

/** @throws HelperError ssh-missing, ssh-unknown, ssh-too-old */
export function checkVersion(context: Context): Passed<SshVersion> {
  const { output } = runSsh(context, ["-V"]);
  const version = parseVersion(output);
  if (version === undefined) throw new HelperError({ kind: "ssh-unknown", words: parseComplaint(output) });
  if (isOlder(version.numbers, OLDEST)) {
    throw new HelperError({ kind: "ssh-too-old", version: version.text, oldest: OLDEST.join(".") });
  }
  return { value: version, detail: `OpenSSH ${version.text}` };
}

function isOlder([major, minor]: SshVersion["numbers"], [oldestMajor, oldestMinor]: SshVersion["numbers"]): boolean {
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

/** @throws HelperError ssh-bad-owner, ssh-refuses, ssh-silent */
export function readConfiguration(context: Context): Passed<Configuration> {
  const { host, sys } = context;
  // A host that begins with "-" is ssh's to refuse, as a host.
  const { status, output } = runSsh(context, ["-G", "-T", "-vvv", "--", host]);
  if (status !== 0) {
    const words = parseComplaint(output);
    const path = parseBadOwner(words);
    if (path === undefined) throw new HelperError({ kind: "ssh-refuses", host, words, status });
    throw new HelperError({ kind: "ssh-bad-owner", path, host, owner: findOwner(sys, path) });
  }
  const value = parseConfiguration(output);
  return { value, detail: `${quote(host)} means ${describeHost(value, host)}` };
}

function describeHost({ settings }: Configuration, host: string): string {
  const words = `host ${quote(settings.get("hostname") ?? host)}`;
  const port = settings.get("port");
  return port === undefined ? words : `${words}, port ${port}`;
}

/** What stands for every owner that a user namespace does not know, unless /proc/sys/kernel/overflowuid is another: user_namespaces(7). */
const OVERFLOW_UID = 65_534;
/** The map of a process that is in no such namespace. */
const ALL_USERS = /^\s*0\s+0\s+4294967295\s*$/;
const MAX_MAP_BYTES = 4_096;

function findOwner(sys: System, path: string): FileOwner {
  try {
    const { uid } = sys.readFileFacts(path);
    if (uid === sys.userId()) return "ours";
    if (uid !== OVERFLOW_UID) return "another's";
    return ALL_USERS.test(decodeUtf8(sys.readFile("/proc/self/uid_map", MAX_MAP_BYTES))) ? "another's" : "unknown here";
  } catch (error) {
    if (error instanceof SystemError) return "another's";
    throw error;
  }
}

function runSsh({ sys, deadlineMs, host }: Context, words: readonly string[]): { status: number; output: string } {
  const startedMs = sys.nowMs();
  try {
    const { status, output } = sys.capture(["ssh", ...words], deadlineMs);
    return { status, output: decodeUtf8(output) };
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (error.errno === ENOENT) throw new HelperError({ kind: "ssh-missing" }, { cause: error });
    if (error.errno !== ETIMEDOUT) {
      const failure = { kind: "system-refused", call: "ssh", errno: errnoName(error.errno) } as const;
      throw new HelperError(failure, { cause: error });
    }
    const seconds = Math.round((deadlineMs - startedMs) / 1000);
    throw new HelperError({ kind: "ssh-silent", host, seconds }, { cause: error });
  }
}
