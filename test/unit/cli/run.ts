// Runs the command line with all of it loaded.
import { formatCompletion } from "../../../helper/cli/completion.ts";
import { formatCredential } from "../../../helper/cli/credential.ts";
import { diagnose } from "../../../helper/cli/doctor.ts";
import { enable } from "../../../helper/cli/enable.ts";
import { formatInventory } from "../../../helper/cli/inventory.ts";
import { addKeys, formatKeys, removeKeys } from "../../../helper/cli/keys.ts";
import { printList } from "../../../helper/cli/list.ts";
import { runProgram } from "../../../helper/cli/program.ts";
import { formatSeed } from "../../../helper/cli/seed.ts";
import * as setup from "../../../helper/cli/setup.ts";
import * as trust from "../../../helper/cli/trust.ts";
import { reportNotice } from "../../../helper/report.ts";
import type { ProbeVsock, System } from "../../../helper/sys/system.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";

const PARTS = {
  diagnose,
  enable,
  formatCompletion,
  formatCredential,
  formatInventory,
  formatSeed,
  keys: { addKeys, formatKeys, removeKeys },
  setup,
  trust,
};

export function runWords(words: readonly string[], sys: System): number {
  const probeVsock: ProbeVsock = (addresses, deadlineMs) => {
    if (!(sys instanceof FakeSystem)) throw new Error("it has no guests");
    return sys.probeVsock(addresses, deadlineMs);
  };
  const list = { printList, reportNotice, probeVsock };
  return runProgram({ words, parts: { ...PARTS, list } }, sys);
}
