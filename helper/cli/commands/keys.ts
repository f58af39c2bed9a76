/** The commands about the keys with which people get into a guest. */

import { type Command, Option } from "commander";
import { parseSeconds } from "../../target.ts";
import { addExamples, type Context, loaded } from "./context.ts";

const KEYS = `
credential and cloud-init bring keys with a guest's next boot.

FILE holds public keys in lines of authorized_keys, see sshd(8): options and comments are kept. For -, they are read from standard
input. A private key is refused, and sent nowhere.`;

export function addKeys(program: Command, context: Context): void {
  const keys = program
    .command("keys")
    .description("let a key into a guest")
    .helpCommand(false)
    .addHelpText("after", KEYS);
  addCredential(keys, context);
  addCloudInit(keys, context);
}

const CREDENTIAL = `
The keys in FILE become the credential ssh.authorized_keys.root of systemd.system-credentials(7): one of the domain's SMBIOS OEM
strings, in the place of the keys that it had. Nothing else in the domain's configuration changes. Without FILE, what the credential
is now is shown.

A guest with systemd 252 or later takes them when its domain is started the next time: it writes them to root's authorized_keys, if
there is no such file yet. What it has written stays, whatever becomes of the credential. A confidential guest (SEV, TDX) takes none.

All OEM strings of a domain may have 16384 bytes here: 16 RSA keys of 4096 bits, or 120 Ed25519 keys.`;

interface CredentialWords {
  readonly apply?: true;
  readonly remove?: true;
  readonly json?: true;
  readonly timeout: string;
}

function addCredential(keys: Command, { sys, parts, print }: Context): void {
  const credential = keys
    .command("credential")
    .description("let keys into root's account at the next boot of a guest with systemd, by a credential")
    .argument("TARGET")
    .argument("[FILE]", "public keys; - for standard input")
    .option("--apply", "write it into the domain's configuration; else it is shown, and nothing is changed")
    .addOption(new Option("--remove", "take it out of the domain's configuration").conflicts("apply"))
    .option("--json", "print one JSON object: uri, name, uuid, changed, element, keys")
    .option("--timeout <SECONDS>", "give up after this long", "30")
    .addHelpText("after", CREDENTIAL)
    .action((target: string, file: string | undefined, { apply, remove, json, timeout }: CredentialWords) => {
      const timeoutSeconds = parseSeconds(timeout);
      const act = apply === true ? "apply" : remove === true ? "remove" : "show";
      const options = { file, act, json: json === true, timeoutSeconds } as const;
      print(loaded(parts.formatCredential)(target, options, sys));
    });
  addExamples(
    credential,
    "virtssh keys credential qemu/web",
    "virtssh keys credential --apply qemu/web ~/.ssh/id_ed25519.pub",
  );
}

const CLOUD_INIT = `
What is printed is the file meta-data of cloud-init's data source NoCloud: its public-keys go to the user that the guest's cloud-init
makes at its first boot. The seed image is a disc with that file on it and an empty user-data, and the label CIDATA: give it to the
domain as a disk or a CD-ROM. It takes xorriso, genisoimage or mkisofs. A seed image at OUT is replaced; anything else there is not.

cloud-init takes a boot for the first one where the instance-id is not the one that it knows. Then it makes new host keys, too, which
virtssh refuses until the old ones are forgotten: virtssh trust forget TARGET. Where it knows the instance-id, it takes no keys.`;

function addCloudInit(keys: Command, { sys, parts, print }: Context): void {
  const cloudInit = keys
    .command("cloud-init")
    .description("let keys into a guest at its first boot, by cloud-init")
    .argument("<FILE...>", "public keys; - for standard input")
    .option("--instance-id <ID>", "what makes cloud-init take a boot for the first", "virtssh")
    .option("--iso <OUT>", "make the seed image OUT, in place of printing")
    .addHelpText("after", CLOUD_INIT)
    .action((files: string[], { instanceId, iso }: { instanceId: string; iso?: string }) => {
      print(loaded(parts.formatSeed)(files, { instanceId, iso }, sys));
    });
  addExamples(
    cloudInit,
    "virtssh keys cloud-init ~/.ssh/id_ed25519.pub > meta-data",
    "virtssh keys cloud-init --iso seed.iso ~/.ssh/id_ed25519.pub",
  );
}
