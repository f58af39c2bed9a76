/**
 * The one line in ~/.ssh/config: finds it, adds it, takes it out. The text is Latin-1, a character for each byte. No I/O.
 *
 * ssh-config (5.3) is given one line at a time to read, and none to write. Given a whole file, it gives up all of it for one line
 * that it does not know (`Match !final`), and takes a keyword without a value and the line after it for one. What it writes is not
 * what it has read: spaces between values and before a comment are lost, and quotes move. So the text is cut and joined here, and
 * every other byte stays as it was. Its own misses (single quotes, `=` within a path) do no harm: the line is added once more.
 */

import { parse } from "ssh-config";

/** Of the file that is included. */
const NAME = "virtssh.conf";

/** Begins a file that was not there before `setup`, so that `--remove` knows that it may go. */
const MADE_LINE = "# Made by virtssh setup\n";

/** A line that includes our file. */
export interface Inclusion {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** Word for word as `setup` writes it. */
  readonly isOurs: boolean;
  /**
   * Below a `Host` or `Match` line, of which it is a part: ssh reads it for those hosts only. `Host *` would do no harm, but which
   * line leads to every host is for ssh to say.
   */
  readonly isConditional: boolean;
}

/**
 * The line for the file at `path`. Absolute: in an Include `~`, and the folder of a relative path, come from $HOME (glob(3) with
 * GLOB_TILDE), while ssh's own configuration is found by getpwuid(3), and under `sudo -E` the two differ. But a path that is not
 * plain would have to be quoted for glob(3) as well, and `%` since OpenSSH 9.9.
 */
export function formatInclude(path: string): string {
  return `Include ${/^[A-Za-z0-9_./@+:,-]+$/.test(path) ? path : `~/.ssh/${NAME}`}`;
}

/** `config` with the line at its top, unless ssh reads the file for every host already; undefined stands for no file. */
export function addInclude(config: string | undefined, path: string): string {
  const line = formatInclude(path);
  if (config === undefined) return `${MADE_LINE}${line}\n`;
  if (findInclusions(config, path).some(({ isConditional }) => !isConditional)) return config;
  return `${line}${/^[^\n]*\r\n/.test(config) ? "\r\n" : "\n"}${config}`;
}

/**
 * Takes out what addInclude() put in; undefined where nothing is left of a file that it made. A line below a `Host` or `Match` line
 * stays: somebody else put it there.
 */
export function removeInclude(config: string, path: string): string | undefined {
  const inclusions = findInclusions(config, path).filter(({ isOurs, isConditional }) => isOurs && !isConditional);
  const numbers = new Set(inclusions.map(({ number }) => number));
  const isMade = config.startsWith(MADE_LINE);
  const kept = splitLines(config).filter((_, index) => !numbers.has(index + 1) && !(isMade && index === 0));
  return isMade && kept.length === 0 ? undefined : kept.join("");
}

/** Every line of `config` that includes the file at `path` by itself, and not by a pattern. */
export function findInclusions(config: string, path: string): Inclusion[] {
  const ours = formatInclude(path);
  const names = [path, `~/.ssh/${NAME}`, NAME];
  let isConditional = false;
  return splitLines(config).flatMap((line, index) => {
    if (isConditional && !line.includes(NAME)) return []; // most lines, and nothing to learn from them
    const text = line.replace(/\r?\n$/, "");
    const isOurs = text === ours; // whatever ssh-config makes of the path
    const { keyword, values } = readLine(text);
    if (keyword === undefined || keyword === "host" || keyword === "match") isConditional = true;
    const isInclusion = isOurs || (keyword === "include" && values.some((value) => names.includes(value)));
    return isInclusion ? [{ number: index + 1, text, isOurs, isConditional }] : [];
  });
}

/** Each with its end: ssh knows no other than LF. */
function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

interface Reading {
  /** In lower case; "" for a comment and for nothing. Undefined for what ssh-config cannot read: it may be a `Match`. */
  readonly keyword: string | undefined;
  readonly values: readonly string[];
}

function readLine(text: string): Reading {
  try {
    const [line] = parse(text.replaceAll("\r", " ")); // a space like any other to strdelim() in ssh's misc.c
    if (line === undefined || !("param" in line)) return { keyword: "", values: [] };
    const { param, value } = line;
    const values = typeof value === "string" ? [value] : value.map(({ val }) => val);
    return { keyword: param.replaceAll('"', "").toLowerCase(), values };
  } catch {
    return { keyword: undefined, values: [] };
  }
}
