/** The shell that ssh runs its ProxyCommand with, and whether it can run virtssh. */

import { HelperError } from "../failure.ts";
import { quote } from "../quote.ts";
import { errnoName } from "../sys/errno.ts";
import { SystemError } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";
import type { Passed } from "./report.ts";
import type { Context } from "./ssh.ts";

/** An exit status that no shell has by chance: not that of success, of nologin and false (1), or of a missing program (127). */
const PROOF = 42;

/**
 * ssh_proxy_fdpass_connect() in OpenSSH's sshconnect.c: $SHELL, also where it is empty, else _PATH_BSHELL; with execv(3), which
 * does not look in PATH.
 * @throws HelperError shell-broken
 */
export function checkShell({ sys, deadlineMs }: Context): Passed<string> {
  const shell = sys.environment("SHELL") ?? "/bin/sh";
  const program = shell === "" || shell.includes("/") ? shell : `./${shell}`;
  try {
    const { status } = sys.capture([program, "-c", `exit ${PROOF}`], deadlineMs);
    if (status !== PROOF) throw new HelperError({ kind: "shell-broken", shell, status });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new HelperError({ kind: "shell-broken", shell, errno: errnoName(error.errno) }, { cause: error });
  }
  return { value: program, detail: `${quote(shell)} runs commands` };
}

/** `word` is the program as the ProxyCommand names it. @throws HelperError helper-broken */
export function checkHelper(shell: string, word: string, { sys, deadlineMs }: Context): Passed<true> {
  // As ssh has it run: without a shell in between, and with its own escapes taken out.
  const command = `exec ${word.replaceAll("%%", "%")} --version`;
  const { status, output } = sys.capture([shell, "-c", command], deadlineMs);
  const [words = ""] = decodeUtf8(output).split("\n");
  if (status !== 0 || !words.startsWith("virtssh ")) {
    throw new HelperError({ kind: "helper-broken", program: word, words, status });
  }
  return { value: true, detail: `${word} is ${quote(words)}` };
}
