/** The command line but for the hot path: commander's tree, and nothing else. */

import { Command, CommanderError } from "commander";
import { HelperError } from "../failure.ts";
import type { Parts } from "../load-program.ts";
import { escapeUnsafe } from "../quote.ts";
import { ClientGoneError, type System } from "../sys/system.ts";
import type { Context } from "./commands/context.ts";
import { addDoctor, addEnable, addProxy, addResolve, addWait } from "./commands/guests.ts";
import { addComplete, addCompletion, addSetup } from "./commands/host.ts";
import { addKeys } from "./commands/keys.ts";
import { addInventory, addList } from "./commands/lists.ts";
import { addKnownHosts, addTrust } from "./commands/trust.ts";
import { printText, READER_GONE } from "./print.ts";

declare const VIRTSSH_VERSION: string;

/** Where these stop waiting, what was asked for is not done, or nobody knows: a failure. */
const CHANGING: readonly string[] = ["wait", "enable", "keys", "trust"];

const TARGETS = `
Targets:
  qemu/NAME                                          in qemu:///system, then (not for root) in qemu:///session
  qemu:system/NAME, qemu:session/NAME                in that one alone
  qemu%NAME, qemu-system%NAME, qemu-session%NAME     the same, without a slash
  NAME.qemu, NAME.system.qemu, NAME.session.qemu     the same, in the form of a host name
  vsock/CID, vsock%CID                               without a look-up

NAME is a domain's name, else its UUID, else its ID. %XX in a name stands for one byte, where no domain bears the text itself.`;

/** What is to be run: the words of the command line, and what load-program.ts has loaded for the first of them. */
export interface Order {
  readonly words: readonly string[];
  readonly parts: Parts;
}

/**
 * Runs what the words of the command line ask for, and returns the exit status.
 * @throws HelperError
 */
export function runProgram({ words, parts }: Order, sys: System): number {
  let isRead = true;
  const print = (text: string) => {
    isRead = isRead && printText(text, sys);
  };
  let status = 0;
  const setStatus = (value: number) => {
    status = value;
  };
  const [word = ""] = words;
  const program = makeProgram({ sys, parts, print, setStatus, version: VIRTSSH_VERSION }, word);
  try {
    program.parse([...words], { from: "user" });
    return isRead ? status : READER_GONE;
  } catch (error) {
    if (error instanceof ClientGoneError && !CHANGING.includes(word)) return READER_GONE; // `| head` is no failure
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return isRead ? 0 : READER_GONE; // help or version, which is printed
    throw new HelperError(describeMisuse(error, program, words), { cause: error });
  }
}

/** In the order in which the help lists them. */
const COMMANDS: Readonly<Record<string, (program: Command, context: Context) => void>> = {
  proxy: addProxy,
  resolve: addResolve,
  list: addList,
  wait: addWait,
  enable: addEnable,
  keys: addKeys,
  doctor: addDoctor,
  setup: addSetup,
  trust: addTrust,
  inventory: addInventory,
  "known-hosts": addKnownHosts,
  completion: addCompletion,
  complete: addComplete,
};

/** What has to know of all the others. */
const WHOLE = "complete";

/**
 * The tree, which the man page is made from, too: packaging/man/. Of a command that is to be run, that command alone, which saves
 * time; with any other word, all of them.
 */
export function makeProgram(context: Context, word = ""): Command {
  const { print, version } = context;
  const program = new Command("virtssh")
    .description("ssh into libvirt guests over VSOCK, by name, with no network in the guest: ssh root@qemu/NAME")
    .version(`virtssh ${version}`, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => undefined })
    .addHelpText("after", TARGETS);
  const add = word === WHOLE || !Object.hasOwn(COMMANDS, word) ? undefined : COMMANDS[word];
  if (add !== undefined) add(program, context);
  else for (const each of Object.values(COMMANDS)) each(program, context);
  return program;
}

/** commander's own words, on one line, under our prefix. */
function describeMisuse({ code, message }: CommanderError, program: Command, words: readonly string[]) {
  const command = nameCommand(program, words).join(" ");
  // With no word at all commander prints its help as an error.
  const problem =
    code === "commander.help" ? "no command given" : message.replace(/^error: |\.$/g, "").replaceAll("\n", " ");
  return { kind: "bad-usage", problem: escapeUnsafe(problem), command } as const;
}

/** The command that the words come to, and the one of its own, where it has some: those whose help says how they are used. */
function nameCommand(command: Command, [word, ...rest]: readonly string[]): string[] {
  const inner = command.commands.find((one) => one.name() === word);
  return inner === undefined ? [] : [inner.name(), ...nameCommand(inner, rest)];
}
