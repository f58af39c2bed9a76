// Where Debian's packages come from on this machine.
import { readFileSync } from "node:fs";
import { runCommand } from "./run-command.ts";

/** One line for each index of binary packages that this machine's apt reads, of either kind of source list. */
const FORMAT = "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)";

/**
 * The address of the Debian mirror that this machine's apt uses; VIRTSSH_DEBIAN_MIRROR overrides it, and is needed where apt uses
 * none, as on Ubuntu. Throws an Error where there is none.
 */
export function findDebianMirror(): string {
  const told = process.env["VIRTSSH_DEBIAN_MIRROR"];
  if (told !== undefined && told !== "") return told;
  const rows = listIndexes([]);
  const known = rows.find(
    ([origin, label, component]) => origin === "Debian" && label === "Debian" && component === "main",
  );
  // Before the first `apt-get update` apt knows no origins, so the customary path of the archive has to do.
  const likely = listIndexes(["--no-release-info"]).find(([, , , uri]) => /\/debian(\.list)?\/?$/.test(uri ?? ""));
  const mirror = (known ?? likely)?.[3];
  if (mirror === undefined) {
    throw new Error("no Debian mirror in apt's source lists: set VIRTSSH_DEBIAN_MIRROR to the address of one");
  }
  return mirror.startsWith(MIRROR_FILE) ? readMirrorFile(mirror) : mirror;
}

function listIndexes(options: readonly string[]): string[][] {
  const indexes = runCommand(["apt-get", "indextargets", ...options, "--format", FORMAT, "Created-By: Packages"]);
  return indexes.split("\n").map((line) => line.split("|"));
}

/** apt-transport-mirror(1): a file of addresses, the best first, as cloud images have it. */
const MIRROR_FILE = "mirror+file:";

function readMirrorFile(uri: string): string {
  const path = uri.slice(MIRROR_FILE.length).replace(/\/$/, "");
  const address = /^\s*([^#\s]\S*)/m.exec(readFileSync(path, "utf8"))?.[1];
  if (address === undefined) throw new Error(`no address in ${path}: set VIRTSSH_DEBIAN_MIRROR to a Debian mirror's`);
  return address;
}
