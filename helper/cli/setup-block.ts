/** The file of its own that `setup` writes: what it says, and how it is known again. No I/O. */

import { shellQuote } from "../quote.ts";

/** ssh_config.d/25-virtssh.conf, as it was when this was built: one text for both. */
declare const VIRTSSH_DROP_IN: string;

/** Where a package puts the program: the one thing in the drop-in that is another for one user. */
const PACKAGED = "/usr/bin/virtssh";

const FIRST_LINE = '# Written by "virtssh setup"; "virtssh setup --remove" takes it away.\n';

/** What the file says when virtssh is at `program`; undefined for a path that does not reach a shell as it is. */
export function formatBlock(program: string): string | undefined {
  // ssh starts the line with the user's shell, but first has it parsed by argv_split() in its misc.c, which takes a backslash
  // before a quote for an escape even inside single quotes. U+FFFD stands for bytes that are no UTF-8.
  const word = shellQuote(program);
  if (word.startsWith("$") || /[\\\ufffd]/.test(program)) return undefined;
  const escaped = word.replaceAll("%", "%%"); // or it would be a token: TOKENS in ssh_config(5)
  const block = VIRTSSH_DROP_IN.replace(`ProxyCommand ${PACKAGED} `, () => `ProxyCommand ${escaped} `);
  // No shell runs this one, and only what follows the program may hold tokens: load_hostkeys_command() in its sshconnect.c.
  return FIRST_LINE + block.replace(`KnownHostsCommand ${PACKAGED} `, () => `KnownHostsCommand ${word} `);
}

/** Whether it is `setup` that wrote this. */
export function isBlock(text: string): boolean {
  return text.startsWith(FIRST_LINE);
}
