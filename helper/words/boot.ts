/** Why a guest cannot be given keys for its next boot, in words. */

import type { BootFailure, SeedProblem } from "../failures/boot.ts";
import { quote } from "../quote.ts";
import { describeErrno } from "../sys/errno.ts";
import { type Explanation, pathWord } from "./explanation.ts";

export function explainBoot(failure: BootFailure): Explanation {
  switch (failure.kind) {
    case "no-iso-program":
      return {
        error: `cannot make a seed image: there is none of ${failure.programs.join(", ")}`,
        hint: "install the package xorriso or genisoimage",
      };
    case "seed-failed":
      return explainSeed(failure.path, failure.problem);
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
