/** Why a guest cannot be given keys for its next boot, in words. */

import type { BootFailure, SeedProblem } from "../failures/boot.ts";
import { quote, shellQuote } from "../quote.ts";
import { describeErrno } from "../sys/errno.ts";
import { type Explanation, pathWord, virshWord } from "./explanation.ts";

export function explainBoot(failure: BootFailure): Explanation {
  switch (failure.kind) {
    case "no-iso-program":
      return {
        error: `cannot make a seed image: there is none of ${failure.programs.join(", ")}`,
        hint: "install the package xorriso or genisoimage",
      };
    case "seed-failed":
      return explainSeed(failure.path, failure.problem);
    default:
      return explainCredential(failure);
  }
}

type CredentialFailure = Exclude<BootFailure, { readonly kind: "no-iso-program" | "seed-failed" }>;

function explainCredential(failure: CredentialFailure): Explanation {
  const { name, uri, virshName, target } = failure.domain;
  switch (failure.kind) {
    case "no-configuration":
      return {
        error: `domain ${quote(name)} is transient: it has no configuration to keep a credential in`,
        hint: `let keys in while it runs with: virtssh keys add ${shellQuote(target)} --user root FILE`,
      };
    case "no-smbios":
      return {
        error: `cannot give domain ${quote(name)} a credential: machines of type ${quote(failure.arch)} have no SMBIOS`,
        hint: "bring the keys by cloud-init, with: virtssh keys cloud-init FILE",
      };
    case "host-smbios":
      return {
        error: `cannot give domain ${quote(name)} a credential: its guest is shown the host's SMBIOS strings`,
        hint: `write <smbios mode='sysinfo'/> in place of <smbios mode='host'/>, with: virsh -c ${uri} edit ${virshWord(virshName)}`,
      };
    case "credential-too-large":
      return {
        error: `cannot give domain ${quote(name)} so many keys: its SMBIOS OEM strings would have ${failure.bytes} bytes, and may have ${failure.maxBytes}`,
        hint: "give it fewer keys, or shorter ones: ssh-keygen -t ed25519",
      };
    case "other-configuration":
      return {
        error: `cannot tell that the rest of domain ${quote(name)} is as it was: libvirt has not kept to what was written`,
        hint: `see what it has now with: virsh -c ${uri} dumpxml --inactive ${virshWord(virshName)}`,
      };
  }
}

function explainSeed(path: string, problem: SeedProblem): Explanation {
  const directory = path.includes("/") ? path.replace(/\/[^/]*$/, "") || "/" : ".";
  switch (problem.is) {
    case "refused":
      return {
        error: `cannot make the seed image ${quote(path)}: ${describeErrno(problem.errno)}`,
        hint: ["ENOSPC", "EDQUOT"].includes(problem.errno)
          ? `see what is left with: df -h ${pathWord(directory)}`
          : `see the owner and the mode of each part of the path with: namei -l ${pathWord(path)}`,
      };
    case "foreign":
      return {
        error: `cannot write ${quote(path)}: there is something else already, which is no seed image`,
        hint: `give it another name, or move that away with: mv ${pathWord(path)} ${pathWord(`${path}.old`)}`,
      };
    case "program-failed":
      return {
        error: `cannot make the seed image ${quote(path)}: ${problem.program} has failed: ${quote(problem.words)}`,
        hint: `see whether any room is left with: df -h ${pathWord(directory)}`,
      };
  }
}
