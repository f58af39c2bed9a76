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

/** What ssh puts in the place of its tokens (ssh_config(5), "TOKENS") before there is a connection, and a key. */
const TOKENS: Readonly<Record<string, string>> = { I: "ORDER", t: "NONE", K: "NONE", f: "NONE", "%": "%" };

/** The same with its tokens filled in as where ssh asks which keys are known; all others by the host's name. */
export function fillTokens(words: readonly string[], host: string): string[] {
  const [program = "", ...rest] = words; // in which there are none: load_hostkeys_command() in its sshconnect.c
  return [program, ...rest.map((word) => word.replace(/%(.)/g, (_, token: string) => TOKENS[token] ?? host))];
}
