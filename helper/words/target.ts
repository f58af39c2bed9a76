/** Why a target cannot be read, in words. */

import type { TargetProblem } from "../failure-facts.ts";
import { quote, shellQuote } from "../quote.ts";
import type { Explanation } from "./explanation.ts";

const FORMS = "write qemu/NAME, qemu:system/NAME, qemu:session/NAME or NAME.qemu";

const LIST = "list the domains with: virtssh list --all";

export function explainTarget(text: string, problem: TargetProblem): Explanation {
  const cannot = (why: string) => `cannot parse target ${quote(text)}: ${why}`;
  switch (problem.is) {
    case "empty":
      return { error: cannot("it is empty"), hint: FORMS };
    case "no-form":
      return { error: cannot("it does not say where to look"), hint: hintForm(text) };
    case "unknown-prefix":
      return { error: cannot(`unknown prefix ${quote(problem.prefix)}`), hint: FORMS };
    case "no-name":
      return { error: cannot("the name is missing"), hint: FORMS };
    case "bad-character":
      return { error: cannot(`no domain has ${quote(problem.character)} in its name`), hint: hintPath(text) ?? LIST };
    case "not-utf8":
      return {
        error: cannot("it is not UTF-8"),
        hint: "use the domain's UUID, which this lists: virsh list --all --uuid --name",
      };
    case "too-long":
      return { error: cannot(`the name is ${problem.bytes} bytes long, limit is ${problem.maxBytes}`), hint: LIST };
    case "bad-cid":
      return { error: cannot(`${quote(problem.cid)} is no CID`), hint: "write a whole number from 1 to 4294967294" };
  }
}

function hintForm(text: string): string {
  return /^qemu[:-]?(system|session)?$/i.test(text) ? FORMS : `write ${shellQuote(`qemu/${text}`)}`;
}

/** sftp and git pass `qemu/NAME:/PATH` on as one name, since they look for a path's colon before the first slash. */
function hintPath(text: string): string | undefined {
  const [, name, path] = /^[^/%]+[/%]([^/:]+):(.*\/.*)$/.exec(text) ?? [];
  return name === undefined ? undefined : `write ${shellQuote(`${name}.qemu:${path}`)}`;
}
