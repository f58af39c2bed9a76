/** The commands about all the guests there are. */

import { type Command, Option } from "commander";
import { parseSeconds } from "../../target.ts";
import { addExamples, type Context, loaded } from "./context.ts";

const LIST = `
SSH is what comes of a connection to vsock port 22, for which up to 512 guests together have half a second:
  answers      an sshd says its first words
  refused      nothing listens there
  silent       the guest's kernel does not answer: it is booting, busy, or has no vsock driver
  mute         it takes the connection, and says no word of ssh in time
  closed       it takes the connection, and closes it before a word
  unreachable  anything else, such as a guest that has just gone
  -            not asked: it does not run, or has no vsock device, or there was no time left
A guest's sshd may log each connection: --no-probe leaves it alone.

SINCE is when its process was started on this host. HOST KEY says whether one is pinned for it: virtssh trust show TARGET.

Of --json there is a JSON Schema beside the documentation: virtssh-list.schema.json. What is unknown, or is not there, is null.`;

interface ListWords {
  readonly all?: true;
  readonly probe: boolean;
  readonly json?: true;
  readonly timeout: string;
}

export function addList(program: Command, { sys, parts, print }: Context): void {
  const list = program
    .command("list")
    .description("print the guests that run: their state, their CID, and whether ssh answers")
    .option("--all", "those that are shut off, too")
    .option("--no-probe", "do not ask whether ssh answers")
    .option("--json", "print a JSON array: uri, name, uuid, id, state, cid, since, ssh, pinned")
    .option("--timeout <SECONDS>", "give up after this long", "30")
    .addHelpText("after", LIST)
    .action(({ all, probe, json, timeout }: ListWords) => {
      const { printList, reportNotice, probeVsock } = loaded(parts.list);
      const options = { all: all === true, probe, json: json === true, timeoutSeconds: parseSeconds(timeout) };
      printList(options, { print, warn: (failure) => reportNotice(failure, sys), probeVsock }, sys);
    });
  addExamples(list, "virtssh list --all", "virtssh list --json --no-probe");
}

const INVENTORY = `
Ansible wants a script that it can pass --list to:
  #!/bin/sh
  exec virtssh inventory "$@"

Groups: virtssh, virtssh_system, virtssh_session, and one for each state: virtssh_running, virtssh_paused and so on.`;

export function addInventory(program: Command, { sys, parts, print }: Context): void {
  const inventory = program
    .command("inventory")
    .description("print the live domains with a vsock device, as Ansible wants an inventory")
    .addOption(new Option("--list", "all of them, in groups").conflicts("host"))
    .option("--host <NAME>", "the variables of one of them")
    .option("--timeout <SECONDS>", "give up after this long", "30")
    .addHelpText("after", INVENTORY)
    .action(({ list, host, timeout }: { list?: true; host?: string; timeout: string }) => {
      const options = { list: list === true, host, timeoutSeconds: parseSeconds(timeout) };
      print(loaded(parts.formatInventory)(options, sys));
    });
  addExamples(inventory, "virtssh inventory --list");
}
