// Runs the command line with all of it loaded.
import { formatCompletion } from "../../../helper/cli/completion.ts";
import { diagnose } from "../../../helper/cli/doctor.ts";
import { enable } from "../../../helper/cli/enable.ts";
import { formatInventory } from "../../../helper/cli/inventory.ts";
import { runProgram } from "../../../helper/cli/program.ts";
import * as setup from "../../../helper/cli/setup.ts";
import * as trust from "../../../helper/cli/trust.ts";
import type { System } from "../../../helper/sys/system.ts";

export function runWords(words: readonly string[], sys: System): number {
  return runProgram({ words, parts: { diagnose, enable, formatCompletion, formatInventory, setup, trust } }, sys);
}
