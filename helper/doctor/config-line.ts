/** Where in ssh's configuration a setting comes from, so that a message can name the file and the line. */

import type { ConfigLine } from "../failure-facts.ts";
import { quote } from "../quote.ts";
import { type System, SystemError } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";
import { findInBlock, findInFile, type Setting } from "./ssh-config-file.ts";
import type { Block, Configuration } from "./ssh-output.ts";

/** More of a configuration file than this is not looked at. */
const MAX_FILE_BYTES = 1_048_576;

/** The place of a setting. */
export interface Source extends ConfigLine {
  /** The Block that it is in; undefined where that is not known. */
  readonly block: Block | undefined;
  readonly value: string;
}

/**
 * The line that sets `keyword`: to `value`, where that is given, as `ssh -G` prints it. A line in a block that applies, else any
 * line of a file that ssh has read: of `Match all` ssh does not say where it is.
 */
export function findSource(
  { blocks }: Configuration,
  { keyword, value }: { readonly keyword: string; readonly value?: string | undefined },
  sys: System,
): Source | undefined {
  const isMeant = (setting: Setting) => value === undefined || setting.value === value;
  for (const block of blocks) {
    const found = findInBlock(readText(sys, block.path), block.line, keyword).find(isMeant);
    if (found !== undefined) return { path: block.path, block, ...found };
  }
  for (const path of new Set(blocks.map((block) => block.path))) {
    const found = findInFile(readText(sys, path), keyword).find(isMeant);
    if (found !== undefined) return { path, block: undefined, ...found };
  }
  return undefined;
}

/** Where a setting is, for a Failure. */
export function at(source: Source | undefined): { at?: ConfigLine } {
  return source === undefined ? {} : { at: { path: source.path, line: source.line } };
}

/** ` ("/etc/ssh/ssh_config" line 7)`, behind what is there; nothing where that is not known. */
export function locate(source: Source | undefined): string {
  return source === undefined ? "" : ` (${quote(source.path)} line ${source.line})`;
}

/** Empty for a file that only ssh can read: the message then names no line. */
function readText(sys: System, path: string): string {
  try {
    return decodeUtf8(sys.readFile(path, MAX_FILE_BYTES));
  } catch (error) {
    if (error instanceof SystemError) return "";
    throw error;
  }
}
