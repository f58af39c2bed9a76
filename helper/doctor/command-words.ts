/** A command of ssh's configuration that no shell runs, as ssh itself takes it apart. No I/O. */

/** The words, without their quotes and escapes: argv_split() in OpenSSH's misc.c. */
export function splitCommand(command: string): string[] {
  const words = command.match(/(?:\\.|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^ \t])+/g) ?? [];
  return words.map((word) => word.replace(PART, readPart));
}

/** Text in quotes, or an escape outside of them. */
const PART = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\['"\\ ]/g;

function readPart(part: string): string {
  return part.startsWith("\\") ? part.slice(1) : part.slice(1, -1).replace(/\\(['"\\])/g, "$1");
}

/** Whether the first word is a program of our name, whatever its path. */
export function isVirtssh(command: string): boolean {
  return /(?:^|\/)virtssh$/.test(splitCommand(command)[0] ?? "");
}
