/** `virtssh known-hosts`, which ssh runs: its command line, read without commander, and its answer. */

import { type Failure, HelperError } from "../failure.ts";
import type { System } from "../sys/system.ts";
import { encodeUtf8 } from "../utf8.ts";
import { parseHostKey } from "./host-key.ts";
import { answerSsh, type Question } from "./known-hosts.ts";

const STDOUT = 1;

/**
 * Answers ssh. Returns what the user is to hear.
 * @throws HelperError
 */
export function runKnownHosts(words: readonly string[], sys: System): Failure | undefined {
  const { lines, notice } = answerSsh(parseQuestion(words), sys);
  if (lines.length > 0) sys.write(STDOUT, encodeUtf8(`${lines.join("\n")}\n`), Number.POSITIVE_INFINITY);
  return notice;
}

/** %I, %t, %K and %n of ssh_config(5), "TOKENS". @throws HelperError bad-usage */
function parseQuestion(words: readonly string[]): Question {
  const [reason, type, text, host, extra] = words[0] === "--" ? words.slice(1) : words;
  if (reason === undefined || type === undefined || text === undefined || host === undefined) {
    throw badUsage("REASON, TYPE, KEY and HOST are needed, as ssh gives them: %I %t %K %n");
  }
  if (extra !== undefined) throw badUsage("too many arguments after HOST");
  if (reason === "ORDER") return { host, key: undefined };
  if (reason !== "HOSTNAME" && reason !== "ADDRESS") throw badUsage("unknown REASON", reason);
  const key = parseHostKey(type, text);
  if (key === undefined) throw badUsage("no host key:", `${type} ${text}`);
  return { host, key };
}

function badUsage(problem: string, word?: string): HelperError {
  return new HelperError({
    kind: "bad-usage",
    problem,
    command: "known-hosts",
    ...(word === undefined ? {} : { word }),
  });
}
