/**
 * `virtssh setup`: what the drop-in in /etc does for all users, done for one. The block is in a file of its own, and ~/.ssh/config
 * includes it in its first line: a block at the top of the file itself would make the lines below it its own.
 */

import { HelperError } from "../failure.ts";
import { findHome } from "../home.ts";
import { decodeLatin1, encodeLatin1 } from "../latin1.ts";
import { escapeUnsafe } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { decodeUtf8, encodeUtf8 } from "../utf8.ts";
import { formatBlock, isBlock } from "./setup-block.ts";
import { changeFile, findProgram, makeDirectory, planChange } from "./setup-files.ts";
import { addInclude, findInclusions, formatInclude, removeInclude } from "./setup-include.ts";

/** What setup changes. */
interface Places {
  readonly folder: string;
  readonly config: string;
  readonly block: string;
}

type Print = (text: string) => void;

/**
 * The whole of the file with the block in it.
 * @throws HelperError
 */
export function formatSetup(sys: System): string {
  const program = findProgram(sys);
  const block = formatBlock(program);
  if (block === undefined) throw new HelperError({ kind: "setup-bad-path", path: program });
  return block;
}

/**
 * Sets ssh up for the user, and prints a line for each thing that it does.
 * @throws HelperError
 */
export function setUp(sys: System, print: Print): void {
  const block = decodeLatin1(encodeUtf8(formatSetup(sys)));
  const places = findPlaces(sys);
  const include = (text: string | undefined) => addInclude(text, asWritten(places.block));
  planChange(places.config, include, sys); // nothing is written where this fails
  if (makeDirectory(places.folder, sys)) say(print, `made ${places.folder}`);
  const written = changeFile(places.block, (text) => replaceBlock(text, block, places.block), sys);
  if (written !== undefined) say(print, `wrote ${places.block}`);
  const included = changeFile(places.config, include, sys);
  const line = formatInclude(places.block);
  if (included === "made") say(print, `wrote ${places.config}: ${line}`);
  if (included === "changed") say(print, `added to the top of ${places.config}: ${line}`);
  if (written === undefined && included === undefined) {
    say(print, `nothing to do: ${places.config} includes ${places.block}`);
  }
}

/**
 * Takes out what setUp() put in, the line first, and prints a line for each thing that it does.
 * @throws HelperError
 */
export function undoSetup(sys: System, print: Print): void {
  const { config, block } = findPlaces(sys);
  const path = asWritten(block);
  let rest: string | undefined;
  const edit = (text: string | undefined) => {
    rest = text === undefined ? undefined : removeInclude(text, path);
    return rest;
  };
  const taken = changeFile(config, edit, sys);
  if (taken === "changed") say(print, `took out of ${config}: ${formatInclude(block)}`);
  if (taken === "removed") say(print, `removed ${config}`);
  for (const { number, text } of findInclusions(rest ?? "", path)) {
    say(print, `left line ${number} of ${config}, which is not setup's: ${decodeUtf8(encodeLatin1(text)).trim()}`);
  }
  const isGone = removeBlock(block, sys, print);
  if (taken === undefined && !isGone) say(print, "nothing to remove");
}

/** Whether there was a block, and is none now. */
function removeBlock(path: string, sys: System, print: Print): boolean {
  const edit = (text: string | undefined) => (text !== undefined && isBlock(text) ? undefined : text);
  const { found } = planChange(path, edit, sys);
  if (found !== undefined && !isBlock(found.text)) say(print, `left ${path}, which is not setup's`);
  if (changeFile(path, edit, sys) === undefined) return false;
  say(print, `removed ${path}`);
  return true;
}

function replaceBlock(text: string | undefined, block: string, path: string): string {
  if (text === undefined || isBlock(text)) return block;
  throw new HelperError({ kind: "setup-failed", path, problem: { is: "foreign" } });
}

function findPlaces(sys: System): Places {
  const home = findHome(sys);
  if (home === undefined) throw new HelperError({ kind: "setup-no-home", uid: sys.userId() });
  const folder = `${home}/.ssh`;
  return { folder, config: `${folder}/config`, block: `${folder}/virtssh.conf` };
}

/** The configuration is read and written as Latin-1. */
function asWritten(path: string): string {
  return decodeLatin1(encodeUtf8(path));
}

function say(print: Print, text: string): void {
  print(`${escapeUnsafe(text)}\n`);
}
