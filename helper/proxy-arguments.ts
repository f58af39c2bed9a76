/** The command line of `virtssh proxy`, read without commander, which the hot path does not load. */

import { HelperError } from "./failure.ts";
import type { HandOver } from "./proxy.ts";
import { chooseTarget, parsePort, parseSeconds, type Target } from "./target.ts";

export interface ProxyArguments {
  readonly target: Target;
  readonly port: number;
  readonly timeoutSeconds: number;
  /** Whether a guest that is not ready is waited for. */
  readonly waits: boolean;
  readonly handOver: HandOver;
}

const SSH_PORT = 22;

/** ssh itself waits for a descriptor without limit, and its ConnectTimeout does not apply: mm_receive_fd, ssh_config(5). */
const TIMEOUT_SECONDS = 30;

/**
 * What follows `proxy` on the command line; undefined where help is asked for.
 * @throws HelperError bad-usage, bad-target, bad-number
 */
export function parseProxyArguments(words: readonly string[]): ProxyArguments | undefined {
  const { operands, typed, timeout, wait, fdpass, help } = readOptions(words);
  if (help) return undefined;
  const [host, port, extra] = operands;
  if (host === undefined) throw badUsage("HOST is missing");
  if (extra !== undefined) throw badUsage(`too many arguments after PORT`);
  const seconds = wait ?? timeout; // one deadline: whoever waits for a guest waits for all of it
  return {
    target: chooseTarget(host, typed),
    port: port === undefined ? SSH_PORT : parsePort(port),
    timeoutSeconds: seconds === undefined ? TIMEOUT_SECONDS : parseSeconds(seconds),
    waits: wait !== undefined,
    handOver: fdpass ? "descriptor" : "relay",
  };
}

interface Options {
  readonly operands: string[];
  typed?: string;
  timeout?: string;
  wait?: string;
  fdpass: boolean;
  help: boolean;
}

function readOptions(words: readonly string[]): Options {
  const options: Options = { operands: [], fdpass: false, help: false };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      options.operands.push(...rest.splice(0));
    } else if (word.startsWith("-") && word !== "-") {
      readOption(word, rest, options);
    } else {
      options.operands.push(word);
    }
  }
  return options;
}

function readOption(word: string, rest: string[], options: Options): void {
  const [name, attached] = splitOption(word);
  const value = () => {
    const text = attached ?? rest.shift();
    if (text === undefined) throw badUsage(`option ${name} needs a value`);
    return text;
  };
  if (name === "--typed") options.typed = value();
  else if (name === "--timeout") options.timeout = value();
  else if (name === "--wait") options.wait = value();
  else if (word === "--fdpass") options.fdpass = true;
  else if (word === "--help" || word === "-h") options.help = true;
  else throw badUsage("unknown option", word);
}

function splitOption(word: string): [string, string | undefined] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

function badUsage(problem: string, word?: string): HelperError {
  return new HelperError({ kind: "bad-usage", problem, command: "proxy", ...(word === undefined ? {} : { word }) });
}
