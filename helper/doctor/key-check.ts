/** Who tells ssh that a guest's host key is right, after ssh's configuration, and whether anybody can. */

import { HelperError } from "../failure.ts";
import type { KnownHostsProblem } from "../failure-facts.ts";
import { isThere } from "../libvirt/diagnosis.ts";
import { quote } from "../quote.ts";
import { errnoName } from "../sys/errno.ts";
import { SystemError } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";
import { fillTokens, isVirtssh, splitCommand } from "./command-words.ts";
import { at, findSource, locate, type Source } from "./config-line.ts";
import type { Passed } from "./report.ts";
import type { Context } from "./ssh.ts";
import type { Configuration } from "./ssh-output.ts";

export interface KeyCheck {
  readonly host: string;
  /** Whether ssh asks virtssh. */
  readonly isOurs: boolean;
  /** The files of known hosts that it looks into, or that it would write to. */
  readonly files: readonly string[];
  /** virtssh, as a KnownHostsCommand would name it. */
  readonly program: string;
}

/** `word` is virtssh as the ProxyCommand names it. @throws HelperError no-host-key-check, known-hosts-broken */
export function checkKeyCheck(configuration: Configuration, word: string, context: Context): Passed<KeyCheck> {
  const { host, sys } = context;
  const command = configuration.settings.get("knownhostscommand");
  const source = findSource(configuration, { keyword: "knownhostscommand", value: command ?? "none" }, sys);
  const files = listFiles(configuration, context);
  const value = { host, files, program: word.replaceAll("%%", "%"), isOurs: asksVirtssh(command) };
  const detail = describe(value, { command, source }, context) + describeStrictness(configuration, context);
  return { value, detail };
}

interface Command {
  readonly command: string | undefined;
  readonly source: Source | undefined;
}

function describe({ files, isOurs, host, program }: KeyCheck, { command, source }: Command, context: Context): string {
  const names = files.map(quote).join(", ");
  if (command === undefined) {
    if (files.length > 0) return `by ssh itself, in ${names}`;
    throw new HelperError({ kind: "no-host-key-check", host, lacks: "command", program, ...at(source) });
  }
  const missing = findMissing(command, context);
  const problem = missing ?? (isOurs ? findRefusal(command, context) : undefined);
  if (problem !== undefined && (missing === undefined || files.length === 0)) {
    throw new HelperError({ kind: "known-hosts-broken", command, problem, ...at(source) });
  }
  if (missing !== undefined) return `by ssh itself, in ${names}: there is no ${quote(command)}${locate(source)}`;
  const others = files.length === 0 ? "" : `; ssh looks in ${names} too`;
  return isOurs
    ? `virtssh pins keys by the domain's UUID${locate(source)}${others}`
    : `by ${quote(command)}${locate(source)}${others}`;
}

function asksVirtssh(command = ""): boolean {
  return isVirtssh(command) && splitCommand(command)[1] === "known-hosts";
}

/** A file for all users is of use only where it is there: ssh writes to none of them. */
function listFiles({ settings }: Configuration, { sys }: Context): string[] {
  const global = splitPaths(settings.get("globalknownhostsfile"));
  return [...splitPaths(settings.get("userknownhostsfile")), ...global.filter((path) => isThere(sys, path))];
}

/** `ssh -G` quotes none of them. */
function splitPaths(paths = "none"): string[] {
  return paths.toLowerCase() === "none" ? [] : paths.split(/ +(?=[/~])/);
}

/** What has ssh complain, and go on without it: subprocess() in its misc.c. */
function findMissing(command: string, { sys }: Context): KnownHostsProblem | undefined {
  const [program = ""] = splitCommand(command);
  if (!program.startsWith("/")) return { is: "relative" };
  try {
    sys.readFileFacts(program);
    return undefined;
  } catch (error) {
    return describeRefusal(error);
  }
}

/** What has ssh give up. virtssh is asked as ssh asks first, before there is a key: it has nothing to answer, and changes nothing. */
function findRefusal(command: string, { sys, host, deadlineMs }: Context): KnownHostsProblem | undefined {
  try {
    const { status, output } = sys.capture(fillTokens(splitCommand(command), host), deadlineMs);
    const [words = ""] = decodeUtf8(output).split("\n");
    return status === 0 ? undefined : { is: "ended", status, words: words.replace(/^virtssh: error: /, "") };
  } catch (error) {
    return describeRefusal(error);
  }
}

function describeRefusal(error: unknown): KnownHostsProblem {
  if (error instanceof SystemError) return { is: "refused", errno: errnoName(error.errno) };
  throw error;
}

/** `ssh -G` says `false` for what is written `no` or `off`. */
function describeStrictness(configuration: Configuration, { sys }: Context): string {
  const keyword = "stricthostkeychecking";
  if (configuration.settings.get(keyword) !== "false") return "";
  const source = findSource(configuration, { keyword }, sys);
  return `; StrictHostKeyChecking is no${locate(source)}: ssh goes on where a key has changed`;
}
