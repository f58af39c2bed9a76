/** The commands that lead to a guest. */

import type { Command } from "commander";
import { parsePort, parseSeconds } from "../../target.ts";
import { formatResolved, type ResolveOptions } from "../resolve.ts";
import { runWait } from "../wait.ts";
import { addExamples, type Context, loaded } from "./context.ts";

/** Only for its help: main.ts runs `proxy` itself, by proxy-arguments.ts. */
export function addProxy(program: Command): void {
  const proxy = program
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
  addExamples(proxy, 'ssh -o ProxyUseFdpass=no -o "ProxyCommand=virtssh proxy %h %p" \\\n      root@qemu/web');
}

export function addResolve(program: Command, { sys, print }: Context): void {
  const resolve = program
    .command("resolve")
    .description("print the domain and the CID that a target leads to")
    .argument("TARGET")
    .option("--json", "print one JSON object: uri, name, uuid, id, state, cid, port")
    .option("--timeout <SECONDS>", "give up after this long", "30")
    .action((target: string, { json, timeout }: { json?: true; timeout: string }) => {
      const options: ResolveOptions = { json: json === true, timeoutSeconds: parseSeconds(timeout) };
      print(formatResolved(target, options, sys));
    });
  addExamples(resolve, "virtssh resolve --json qemu/web");
}

export function addWait(program: Command, { sys }: Context): void {
  const wait = program
    .command("wait")
    .description("wait until a guest can be logged in to: until its sshd has said its first words")
    .argument("TARGET")
    .option("--start", "start the domain if it is shut off")
    .option("--timeout <SECONDS>", "give up after this long", "120")
    .option("--port <PORT>", "the guest's VSOCK port", "22")
    .action((target: string, { start, timeout, port }: { start?: true; timeout: string; port: string }) => {
      runWait(target, { start: start === true, timeoutSeconds: parseSeconds(timeout), port: parsePort(port) }, sys);
    });
  addExamples(wait, "virtssh wait --start qemu/web && ssh root@qemu/web");
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

export function addEnable(program: Command, { sys, parts, print }: Context): void {
  const enable = program
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
  addExamples(enable, "virtssh enable --dry-run qemu/db", "virtssh enable qemu/db");
}

const DOCTOR = `
Where ssh does not get through to a guest that runs, and the guest has an agent (qemu-guest-agent) that is connected, the guest is asked
who listens there, and if nobody does, why not: its agent runs ls, ss, systemctl show and sshd -t, no shell among them, and changes
nothing. That takes more rights than looking: membership in the group libvirt, or polkit's leave; and an agent that may run programs.
libvirt notes in the domain's log that its agent was used (custom-ga-command). Without all that, the step is not tried.`;

export function addDoctor(program: Command, { sys, parts, print, setStatus }: Context): void {
  const doctor = program
    .command("doctor")
    .description("check each step on the way to a guest, from ssh to its sshd; without TARGET, those of this host")
    .argument("[TARGET]", "what you type after ssh, without a user")
    .option("--json", "print one JSON object: target, ok, steps")
    .option("--timeout <SECONDS>", "give up after this long", "30")
    .addHelpText("after", DOCTOR)
    .action((target: string | undefined, { json, timeout }: { json?: true; timeout: string }) => {
      const options = { json: json === true, timeoutSeconds: parseSeconds(timeout) };
      const { text, isHealthy } = loaded(parts.diagnose)(target, options, sys);
      print(text);
      setStatus(isHealthy ? 0 : 1);
    });
  addExamples(doctor, "virtssh doctor qemu/web");
}
