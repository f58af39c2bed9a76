// Examples of the failures that are about files of public keys, as failure-examples.ts has those of all others.

import type { KeyFailure, KeyFileProblem, KeyLineProblem } from "../../helper/failures/keys.ts";

const LINE_PROBLEMS: readonly KeyLineProblem[] = [
  "no key",
  "options",
  "damaged",
  "unsafe characters",
  "certificate",
  "DSA",
  "unknown type",
  "open quote",
];

const PROBLEMS: readonly KeyFileProblem[] = [
  { is: "refused", errno: "ENOENT" },
  { is: "too-large", maxBytes: 1_048_576 },
  { is: "too-many", maxKeys: 2_048 },
  { is: "no-key" },
  { is: "private-key" },
  { is: "other-format", format: "RFC4716" },
  ...LINE_PROBLEMS.map((problem) => ({ is: "bad-line" as const, line: 3, problem })),
];

const inFile = (problem: KeyFileProblem): KeyFailure => ({ kind: "bad-key-file", path: "/home/a b/k.pub", problem });
const inInput = (problem: KeyFileProblem): KeyFailure => ({ kind: "bad-key-file", path: undefined, problem });

export const KEY_EXAMPLES: { readonly "bad-key-file": readonly KeyFailure[] } = {
  "bad-key-file": [...PROBLEMS.map(inFile), inInput({ is: "private-key" }), inInput({ is: "no-key" })],
};
