/** The commands about the keys with which people get into a guest. */

import type { Command } from "commander";
import { addExamples, type Context, loaded } from "./context.ts";

const KEYS = `
cloud-init brings keys with a guest's first boot.

FILE holds public keys in lines of authorized_keys, see sshd(8): options and comments are kept. For -, they are read from standard
input. A private key is refused, and sent nowhere.`;

export function addKeys(program: Command, context: Context): void {
  const keys = program
    .command("keys")
    .description("let a key into a guest")
    .helpCommand(false)
    .addHelpText("after", KEYS);
  addCloudInit(keys, context);
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
