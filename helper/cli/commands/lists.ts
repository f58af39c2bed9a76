/** The commands about all the guests there are. */

import { type Command, Option } from "commander";
import { parseSeconds } from "../../target.ts";
import { addExamples, type Context, loaded } from "./context.ts";

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
