/** The command line but for the hot path: commander's tree, and nothing else. */

import { Argument, Command, CommanderError, Option } from "commander";
import { HelperError } from "../failure.ts";
import type { Parts } from "../load-program.ts";
import { escapeUnsafe } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { parsePort, parseSeconds } from "../target.ts";
import { encodeUtf8 } from "../utf8.ts";
import { findTargets } from "./completion-targets.ts";
import { completeWords } from "./completion-words.ts";
import { formatResolved, type ResolveOptions } from "./resolve.ts";
import { runWait } from "./wait.ts";

declare const VIRTSSH_VERSION: string;

const STDOUT = 1;

const SHELLS = ["bash", "zsh", "fish"];

const TARGETS = `
Targets:
  qemu/NAME                                          in qemu:///system, then (not for root) in qemu:///session
  qemu:system/NAME, qemu:session/NAME                in that one alone
  qemu%NAME, qemu-system%NAME, qemu-session%NAME     the same, without a slash
  NAME.qemu, NAME.system.qemu, NAME.session.qemu     the same, in the form of a host name
  vsock/CID, vsock%CID                               without a look-up

NAME is a domain's name, else its UUID, else its ID. %XX in a name stands for one byte, where no domain bears the text itself.`;

const SETUP = `
It is one line at the top of ~/.ssh/config, an Include of ~/.ssh/virtssh.conf, where ssh reads it before all the rest: an alias
(Host dev, HostName qemu/web) needs a line of its own below its HostName: Include virtssh.conf`;

/** What is loaded by its first word is there when it is run. */
function loaded<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error("a command was not loaded");
  return part;
}

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
  const print = (text: string) => sys.write(STDOUT, encodeUtf8(text), Number.POSITIVE_INFINITY);
  let status = 0;
  const setStatus = (value: number) => {
    status = value;
  };
  const program = makeProgram({ sys, parts, print, setStatus, version: VIRTSSH_VERSION });
  try {
    program.parse([...words], { from: "user" });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0; // help or version, which is printed
    throw new HelperError(describeMisuse(error, program, words), { cause: error });
  }
}

/** What a command works with. */
interface Context {
  readonly sys: System;
  readonly parts: Parts;
  /** Writes to stdout. */
  print(text: string): void;
  /** The exit status of a command that has found something wrong, and has said so itself. */
  setStatus(status: number): void;
  /** This program's own. */
  readonly version: string;
}

/** The tree, which the man page is made from, too: packaging/man/. */
export function makeProgram(context: Context): Command {
  const { print, version } = context;
  const program = new Command("virtssh")
    .description("ssh into libvirt guests over VSOCK, by name, with no network in the guest: ssh root@qemu/NAME")
    .version(`virtssh ${version}`, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => undefined })
    .addHelpText("after", TARGETS);
  addProxy(program);
  addResolve(program, context);
  addWait(program, context);
  addEnable(program, context);
  addDoctor(program, context);
  addSetup(program, context);
  addTrust(program, context);
  addInventory(program, context);
  addKnownHosts(program);
  addCompletion(program, context);
  return program;
}

/** Only for its help: main.ts runs `proxy` itself, by proxy-arguments.ts. */
function addProxy(program: Command): void {
  program
    .command("proxy")
    .description("connect to a guest's sshd, for ssh's ProxyCommand")
    .argument("HOST", "the target; ssh's %h")
    .argument("[PORT]", "the guest's VSOCK port", "22")
    .option(
      "--fdpass",
      "hand the connected socket to ssh over stdout (ProxyUseFdpass yes), instead of relaying stdin and stdout",
    )
    .option("--typed <NAME>", "what was typed for HOST, capitals and all; ssh's %n")
    .option("--timeout <SECONDS>", "give up after this long", "30")
    .option("--wait <SECONDS>", "wait so long for a guest that is not ready, in place of --timeout");
}

function addResolve(program: Command, { sys, print }: Context): void {
  program
    .command("resolve")
    .description("print the domain and the CID that a target leads to")
    .argument("TARGET")
    .option("--json", "print one JSON object: uri, name, uuid, id, state, cid, port")
    .option("--timeout <SECONDS>", "give up after this long", "30")
    .action((target: string, { json, timeout }: { json?: true; timeout: string }) => {
      const options: ResolveOptions = { json: json === true, timeoutSeconds: parseSeconds(timeout) };
      print(formatResolved(target, options, sys));
    });
}

function addWait(program: Command, { sys }: Context): void {
  program
    .command("wait")
    .description("wait until a guest can be logged in to: until its sshd has said its first words")
    .argument("TARGET")
    .option("--start", "start the domain if it is shut off")
    .option("--timeout <SECONDS>", "give up after this long", "120")
    .option("--port <PORT>", "the guest's VSOCK port", "22")
    .action((target: string, { start, timeout, port }: { start?: true; timeout: string; port: string }) => {
      runWait(target, { start: start === true, timeoutSeconds: parseSeconds(timeout), port: parsePort(port) }, sys);
    });
}

const ENABLE = `
Without --live and --config the device goes wherever there is none: to the running domain and to its configuration. A domain that is
shut off has a configuration alone, and a transient one has none. Where there is a device already, there is no room for another:
with nothing left to add, it is an error. libvirt chooses the CID, at each start anew.

Adding a device takes more rights than looking: membership in the group libvirt, or polkit's leave; --dry-run needs neither. In the
guest an sshd has to listen on vsock port 22.`;

interface EnableWords {
  readonly live?: true;
  readonly config?: true;
  readonly dryRun?: true;
  readonly timeout: string;
}

function addEnable(program: Command, { sys, parts, print }: Context): void {
  program
    .command("enable")
    .description("give a domain a vsock device, through which its guest can be reached")
    .argument("TARGET")
    .option("--live", "add it to the running domain, until that is shut off")
    .option("--config", "add it to the configuration, from which the domain is started")
    .option("--dry-run", "print what would be added, and change nothing")
    .option("--timeout <SECONDS>", "give up after this long", "30")
    .addHelpText("after", ENABLE)
    .action((target: string, { live, config, dryRun, timeout }: EnableWords) => {
      const asked = [...(live === true ? ["live" as const] : []), ...(config === true ? ["config" as const] : [])];
      const options = { asked, dryRun: dryRun === true, timeoutSeconds: parseSeconds(timeout) };
      print(loaded(parts.enable)(target, options, sys));
    });
}

function addSetup(program: Command, { sys, parts, print }: Context): void {
  program
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
}

function addDoctor(program: Command, { sys, parts, print, setStatus }: Context): void {
  program
    .command("doctor")
    .description("check each step on the way to a guest, from ssh to its sshd; without TARGET, those of this host")
    .argument("[TARGET]", "what you type after ssh, without a user")
    .option("--json", "print one JSON object: target, ok, steps")
    .option("--timeout <SECONDS>", "give up after this long", "30")
    .action((target: string | undefined, { json, timeout }: { json?: true; timeout: string }) => {
      const options = { json: json === true, timeoutSeconds: parseSeconds(timeout) };
      const { text, isHealthy } = loaded(parts.diagnose)(target, options, sys);
      print(text);
      setStatus(isHealthy ? 0 : 1);
    });
}

const TRUST = `
The first host key that a guest shows is pinned, by the domain's UUID and the port. Another one after that is refused, until the
pin is forgotten. A name, an alias or a rename makes no difference; a domain that is defined anew has a new UUID, and no pin.

Pins are in $XDG_STATE_HOME/virtssh/hosts (~/.local/state/virtssh/hosts), one file a domain. An administrator's are in
/etc/virtssh/hosts/UUID, in lines of known_hosts, see sshd(8), whose host names do not count: they come first, and nothing is pinned
beside them. "@cert-authority * KEY" there takes certificates that KEY has signed; "@revoked * KEY" refuses KEY, and pins nothing.

TARGET may be the UUID alone, and a domain that is not there any more.`;

function addTrust(program: Command, { sys, parts, print }: Context): void {
  const trust = program
    .command("trust")
    .description("show the host keys that are pinned, and forget them")
    .helpCommand(false)
    .addHelpText("after", TRUST);
  trust
    .command("list")
    .description("print all of them")
    .option("--json", PIN_JSON)
    .action(({ json }: { json?: true }) => loaded(parts.trust).listTrust({ json: json === true }, print, sys));
  const show = trust.command("show").description("print those of one domain, as ssh-keygen -l does");
  addPinOptions(show, (target, options) => print(loaded(parts.trust).formatShown(target, options, sys)));
  const forget = trust
    .command("forget")
    .description("forget those of one domain: the next key that it shows is pinned");
  addPinOptions(forget, (target, options) => print(loaded(parts.trust).forget(target, options, sys)));
}

interface PinOptions {
  readonly json: boolean;
  readonly timeoutSeconds: number;
  readonly port?: number;
}

const PIN_JSON =
  "print a JSON array: name, uuid, port, type, bits, fingerprint, key, marker, firstSeen, lastSeen, by, path";

function addPinOptions(command: Command, act: (target: string, options: PinOptions) => void): void {
  command
    .argument("TARGET")
    .option("--port <PORT>", "of one vsock port alone")
    .option("--json", PIN_JSON)
    .option("--timeout <SECONDS>", "give up after this long", "30")
    .action((target: string, { port, json, timeout }: { port?: string; json?: true; timeout: string }) => {
      const chosen = port === undefined ? {} : { port: parsePort(port) };
      act(target, { json: json === true, timeoutSeconds: parseSeconds(timeout), ...chosen });
    });
}

/** Only for its help: main.ts runs it itself. */
function addKnownHosts(program: Command): void {
  program
    .command("known-hosts")
    .description("tell ssh which host keys are pinned for its connection, for KnownHostsCommand")
    .argument("REASON", "HOSTNAME, ADDRESS or ORDER; ssh's %I")
    .argument("TYPE", "the type of the key that the guest has shown; ssh's %t")
    .argument("KEY", "the key in base64; ssh's %K")
    .argument("HOST", "what was typed, for messages; ssh's %n");
}

const INVENTORY = `
Ansible wants a script that it can pass --list to:
  #!/bin/sh
  exec virtssh inventory "$@"

Groups: virtssh, virtssh_system, virtssh_session, and one for each state: virtssh_running, virtssh_paused and so on.`;

function addInventory(program: Command, { sys, parts, print }: Context): void {
  program
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
}

function addCompletion(program: Command, { sys, parts, print }: Context): void {
  program
    .command("completion")
    .description(
      "print the script with which a shell completes virtssh's words, and guests after ssh, scp, sftp, rsync",
    )
    .addArgument(new Argument("SHELL").choices(SHELLS))
    .addHelpText("after", COMPLETION)
    .action((shell: string) => print(loaded(parts.formatCompletion)(shell)));
  program
    .command("complete", { hidden: true }) // what those scripts run
    .argument("[WORD...]")
    .action((words: string[]) => print(completeWords(program, words, (typed) => findTargets(typed, sys))));
}

const COMPLETION = `
In ~/.bashrc:                     source <(virtssh completion bash)
In ~/.zshrc, after compinit:      source <(virtssh completion zsh)
In ~/.config/fish/config.fish:    virtssh completion fish | source`;

/** commander's own words, on one line, under our prefix. */
function describeMisuse({ code, message }: CommanderError, program: Command, words: readonly string[]) {
  const command = program.commands.find((one) => one.name() === words[0])?.name() ?? "";
  // With no word at all commander prints its help as an error.
  const problem =
    code === "commander.help" ? "no command given" : message.replace(/^error: |\.$/g, "").replaceAll("\n", " ");
  return { kind: "bad-usage", problem: escapeUnsafe(problem), command } as const;
}
