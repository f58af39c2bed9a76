/** The commands about the keys with which people get into a guest. */

import { type Command, Option } from "commander";
import { parseSeconds } from "../../target.ts";
import { addExamples, type Context, loaded } from "./context.ts";

const KEYS = `
list, add and remove ask the guest's agent (qemu-guest-agent), through libvirt: the guest has to run, and its agent has to be
connected. credential and cloud-init are for guests without one: they bring keys with the next boot.

FILE holds public keys in lines of authorized_keys, see sshd(8): options and comments are kept. For -, they are read from standard
input, as add and remove do without FILE. A private key is refused, and sent nowhere.

Other people's lines in a guest's authorized_keys are left as they are. A key is the same whatever its options and comment are: one
that is there already is not added twice, and where its options are others than those in FILE, that is a failure.

The agent looks at USER's ~/.ssh/authorized_keys alone, whichever files the guest's sshd reads. It ends that file without a newline:
whoever appends to it by hand puts one in front.

Asking a guest's agent takes more rights than looking: membership in the group libvirt, or polkit's leave.

Of --json of list, add and remove there is a JSON Schema beside the documentation: virtssh-keys.schema.json.`;

export function addKeys(program: Command, context: Context): void {
  const keys = program
    .command("keys")
    .description("say which keys open a guest: see them, let a key in, take it out again")
    .helpCommand(false)
    .addHelpText("after", KEYS);
  addAgentKeys(keys, context);
  addCredential(keys, context);
  addCloudInit(keys, context);
}

const KEYS_JSON = "print a JSON array, one object a line: options, type, bits, fingerprint, key, comment, line";
const CHANGES_JSON =
  "print a JSON array, one object a key: change (added, present, differs, removed or absent), options, type, bits, fingerprint, key, comment, line";

interface AgentWords {
  readonly user: string;
  readonly json?: true;
  readonly timeout: string;
}

function addAgentKeys(keys: Command, { sys, parts, print }: Context): void {
  const list = keys
    .command("list")
    .description("print the keys that open a user's account in a guest")
    .argument("TARGET");
  addAgentOptions(list, KEYS_JSON).action((target: string, words: AgentWords) => {
    print(loaded(parts.keys).formatKeys({ target, ...readWords(words) }, sys));
  });
  addExamples(list, "virtssh keys list qemu/web --user root");
  const add = keys
    .command("add")
    .description("let keys into a user's account in a guest, beside those that are there")
    .argument("TARGET")
    .argument("[FILE]", "public keys; - for standard input", "-");
  addAgentOptions(add, CHANGES_JSON).action((target: string, file: string, words: AgentWords) => {
    loaded(parts.keys).addKeys({ target, file, ...readWords(words) }, print, sys);
  });
  addExamples(
    add,
    "virtssh keys add qemu/web --user root ~/.ssh/id_ed25519.pub",
    "ssh-add -L | virtssh keys add qemu/web --user alice",
  );
  const remove = keys
    .command("remove")
    .description("take keys out of a user's account in a guest")
    .argument("TARGET")
    .argument("[FILE]", "public keys; - for standard input", "-");
  addAgentOptions(remove, CHANGES_JSON).action((target: string, file: string, words: AgentWords) => {
    loaded(parts.keys).removeKeys({ target, file, ...readWords(words) }, print, sys);
  });
  addExamples(remove, "virtssh keys remove qemu/web --user root ~/.ssh/id_ed25519.pub");
}

function addAgentOptions(command: Command, json: string): Command {
  return command
    .requiredOption("--user <USER>", "whose account in the guest")
    .option("--json", json)
    .option("--timeout <SECONDS>", "give up after this long", "30");
}

function readWords({ user, json, timeout }: AgentWords) {
  return { user, json: json === true, timeoutSeconds: parseSeconds(timeout) };
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
