/** The commands that set this host up. */

import { Argument, type Command, Option } from "commander";
import { findTargets } from "../completion-targets.ts";
import { completeWords } from "../completion-words.ts";
import { addExamples, type Context, loaded } from "./context.ts";

const SHELLS = ["bash", "zsh", "fish"];

const SETUP = `
It is one line at the top of ~/.ssh/config, an Include of ~/.ssh/virtssh.conf, where ssh reads it before all the rest: an alias
(Host dev, HostName qemu/web) needs a line of its own below its HostName: Include virtssh.conf`;

export function addSetup(program: Command, { sys, parts, print }: Context): void {
  const setup = program
    .command("setup")
    .description("set ssh up for one user, where /etc cannot be changed")
    .addOption(
      new Option("--print", "print what ~/.ssh/virtssh.conf would say, and change nothing").conflicts("remove"),
    )
    .option("--remove", "take it all out again")
    .addHelpText("after", SETUP)
    .action((options: { print?: true; remove?: true }) => {
      const { formatSetup, setUp, undoSetup } = loaded(parts.setup);
      if (options.print === true) print(formatSetup(sys));
      else if (options.remove === true) undoSetup(sys, print);
      else setUp(sys, print);
    });
  addExamples(setup, "virtssh setup --print");
}

export function addCompletion(program: Command, { parts, print }: Context): void {
  const completion = program
    .command("completion")
    .description(
      "print the script with which a shell completes virtssh's words, and guests after ssh, scp, sftp, rsync",
    )
    .addArgument(new Argument("SHELL").choices(SHELLS))
    .addHelpText("after", COMPLETION)
    .action((shell: string) => print(loaded(parts.formatCompletion)(shell)));
  addExamples(completion, "source <(virtssh completion bash)");
}

export function addComplete(program: Command, { sys, print }: Context): void {
  program
    .command("complete", { hidden: true }) // what those scripts run
    .argument("[WORD...]")
    .action((words: string[]) =>
      print(completeWords(program, words, (typed, states) => findTargets(typed, states, sys))),
    );
}

const COMPLETION = `
In ~/.bashrc:                     source <(virtssh completion bash)
In ~/.zshrc, after compinit:      source <(virtssh completion zsh)
In ~/.config/fish/config.fish:    virtssh completion fish | source`;
