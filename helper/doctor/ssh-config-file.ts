/** Finds a setting in the text of an ssh_config file. No I/O. */

/** A setting as it is written. */
export interface Setting {
  /** Its line, from 1. */
  readonly line: number;
  readonly value: string;
}

/** ssh_config(5): the keyword, white space or one `=`, the value to the end of the line. */
const SETTING = /^\s*([a-z0-9]+)(?:\s*=\s*|\s+)(.*?)\s*$/i;

const BEGINS_BLOCK = /^\s*(?:host|match)[\s=]/i;

/** The settings of `keyword` in the block that begins at line `from`; 0 is the head of the file. */
export function findInBlock(text: string, from: number, keyword: string): Setting[] {
  const lines = text.split("\n").map((content, index) => ({ content, line: index + 1 }));
  const rest = lines.slice(from);
  const end = rest.findIndex(({ content }) => BEGINS_BLOCK.test(content));
  return rest.slice(0, end < 0 ? undefined : end).flatMap(({ content, line }) => readSetting(content, line, keyword));
}

/** The same, in all of the file's blocks. */
export function findInFile(text: string, keyword: string): Setting[] {
  return text.split("\n").flatMap((content, index) => readSetting(content, index + 1, keyword));
}

function readSetting(content: string, line: number, keyword: string): Setting[] {
  const [, name, value] = SETTING.exec(content) ?? [];
  return name?.toLowerCase() === keyword && value !== undefined ? [{ line, value }] : [];
}
