/**
 * What ssh says of itself, as values: `ssh -V`, and `ssh -G -vvv`, which prints what the configuration comes to (stdout) after
 * the story of how it was read (stderr). No I/O.
 *
 * The story is text for people, and there is no other way to learn it. Its lines are those of OpenSSH's readconf.c, the same in
 * 9.2 and 10.0; what is not recognized only leaves a file and a line out of a message.
 */

/** OpenSSH's version: `10.0p2`, and its two numbers. */
export interface SshVersion {
  readonly text: string;
  readonly numbers: readonly [major: number, minor: number];
}

/** The version that `ssh -V` prints; undefined where it is no OpenSSH's. */
export function parseVersion(output: string): SshVersion | undefined {
  const [, text, major, minor] = /^OpenSSH_((\d{1,3})\.(\d{1,3})\w*)/m.exec(output) ?? [];
  return text === undefined ? undefined : { text, numbers: [Number(major), Number(minor)] };
}

/** A part of a configuration file that applies: what follows its line `line`, up to the next Host or Match. 0 is the file's head. */
export interface Block {
  readonly path: string;
  readonly line: number;
}

export interface Configuration {
  /** What it comes to, by keyword in lower case; the last one where there are several. */
  readonly settings: ReadonlyMap<string, string>;
  /** In the order in which they were read: the first to set something wins. */
  readonly blocks: readonly Block[];
}

const READING = /^debug1: Reading configuration data (.+)$/;
const HOST_APPLIES = /^debug1: (.+) line (\d+): Applying options for /;
/** One for each condition of a Match that holds, and then one for the Match; `Match all` has only the latter, and no line number. */
const CONDITION_HOLDS = /^debug3: (.+) line (\d+): matched '/;
const MATCH_APPLIES = /^debug2: match found$/;
const MATCH_BEGINS = /^debug2: checking match for /;
const SETTING = /^([a-z0-9]+) (.+)$/i;
const STORY = /^(?:debug[123]: |OpenSSH_)/;

function splitLines(output: string): string[] {
  return output.split(/\r?\n/).filter((line) => line !== "");
}

export function parseConfiguration(output: string): Configuration {
  const lines = splitLines(output);
  return { settings: new Map(lines.flatMap(readSetting)), blocks: readBlocks(lines) };
}

function readSetting(line: string): [string, string][] {
  const [, keyword, value] = STORY.test(line) ? [] : (SETTING.exec(line) ?? []);
  return keyword === undefined || value === undefined ? [] : [[keyword.toLowerCase(), value]];
}

function readBlocks(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let condition: Block | undefined;
  for (const line of lines) {
    const begun = readHead(line) ?? readBlock(HOST_APPLIES, line) ?? (MATCH_APPLIES.test(line) ? condition : undefined);
    if (begun !== undefined) blocks.push(begun);
    condition = MATCH_BEGINS.test(line) ? undefined : (readBlock(CONDITION_HOLDS, line) ?? condition);
  }
  return blocks;
}

function readHead(line: string): Block | undefined {
  const path = READING.exec(line)?.[1];
  return path === undefined ? undefined : { path, line: 0 };
}

function readBlock(pattern: RegExp, text: string): Block | undefined {
  const [, path, line] = pattern.exec(text) ?? [];
  return path === undefined ? undefined : { path, line: Number(line) };
}

/** The first thing that ssh complains of; empty where it says nothing. */
export function parseComplaint(output: string): string {
  return splitLines(output).find((line) => !STORY.test(line)) ?? "";
}

/** The file for whose owner or mode ssh refuses to do anything at all. */
export function parseBadOwner(complaint: string): string | undefined {
  return /^Bad owner or permissions on (.+)$/.exec(complaint)?.[1];
}
