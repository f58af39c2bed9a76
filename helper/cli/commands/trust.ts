/** The commands about the host keys of guests. */

import type { Command } from "commander";
import { parsePort, parseSeconds } from "../../target.ts";
import { addExamples, type Context, loaded } from "./context.ts";

const TRUST = `
The first host key that a guest shows is pinned, by the domain's UUID and the port. Another one after that is refused, until the
pin is forgotten. A name, an alias or a rename makes no difference; a domain that is defined anew has a new UUID, and no pin.

Pins are in $XDG_STATE_HOME/virtssh/hosts (~/.local/state/virtssh/hosts), one file a domain. An administrator's are in
/etc/virtssh/hosts/UUID, in lines of known_hosts, see sshd(8), whose host names do not count: they come first, and nothing is pinned
beside them. "@cert-authority * KEY" there takes certificates that KEY has signed; "@revoked * KEY" refuses KEY, and pins nothing.

TARGET may be the UUID alone, and a domain that is not there any more.`;

export function addTrust(program: Command, { sys, parts, print }: Context): void {
  const trust = program
    .command("trust")
    .description("show the host keys that are pinned, and forget them")
    .helpCommand(false)
    .addHelpText("after", TRUST);
  const list = trust
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
  addExamples(list, "virtssh trust list");
  addExamples(show, "virtssh trust show qemu/web");
  addExamples(forget, "virtssh trust forget qemu/web");
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
export function addKnownHosts(program: Command): void {
  const knownHosts = program
    .command("known-hosts")
    .description("tell ssh which host keys are pinned for its connection, for KnownHostsCommand")
    .argument("REASON", "HOSTNAME, ADDRESS or ORDER; ssh's %I")
    .argument("TYPE", "the type of the key that the guest has shown; ssh's %t")
    .argument("KEY", "the key in base64; ssh's %K")
    .argument("HOST", "what was typed, for messages; ssh's %n");
  addExamples(
    knownHosts,
    'ssh -o "KnownHostsCommand=/usr/bin/virtssh known-hosts -- %I %t %K %n" \\\n      root@qemu/web',
  );
}
