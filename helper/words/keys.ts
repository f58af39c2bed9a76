/** What is wrong with a file of public keys, in words. */

import type { KeyFailure, KeyFileProblem, KeyLineProblem } from "../failures/keys.ts";
import { quote } from "../quote.ts";
import { describeErrno } from "../sys/errno.ts";
import { type Explanation, pathWord } from "./explanation.ts";

export function explainKeys({ path, problem }: KeyFailure): Explanation {
  const name = path === undefined ? "standard input" : quote(path);
  return { error: describe(name, problem), hint: findHint(path, problem) };
}

function describe(name: string, problem: KeyFileProblem): string {
  switch (problem.is) {
    case "refused":
      return `cannot read keys from ${name}: ${describeErrno(problem.errno)}`;
    case "too-large":
      return `cannot read keys from ${name}: it is larger than ${problem.maxBytes} bytes`;
    case "too-many":
      return `cannot take so many keys from ${name}: ${problem.maxKeys} at most`;
    case "no-key":
      return `cannot find a public key in ${name}`;
    case "private-key":
      return `there is a PRIVATE KEY in ${name}: it has been sent nowhere, and must not be`;
    case "other-format":
      return `cannot take the keys in ${name}: they are in the format ${problem.format}, not in lines of authorized_keys`;
    case "bad-line":
      return `cannot take line ${problem.line} of ${name}: ${LINE_PROBLEMS[problem.problem]}`;
  }
}

const LINE_PROBLEMS: Readonly<Record<KeyLineProblem, string>> = {
  "no key": "it has no public key",
  options: "what stands before its key is no list of options, as sshd(8) has them",
  damaged: "its key is damaged",
  "unsafe characters": "it has characters that are not plain to see",
  certificate: "it is a certificate, which is shown at a login and never stands in authorized_keys",
  DSA: "it is a DSA key, which sshd does not take any more",
  "unknown type": "OpenSSH knows no key of that type",
  "open quote": "there is a quote in its options that does not end",
};

/** In place of the file that standard input was read from, where a program wants a name. */
const STANDARD_INPUT = "/dev/stdin";

function findHint(path: string | undefined, problem: KeyFileProblem): string {
  const file = path === undefined ? STANDARD_INPUT : pathWord(path);
  switch (problem.is) {
    case "private-key":
      return path === undefined
        ? "give its public half, which is in the file of that name with .pub behind it"
        : `give its public half, which this prints: ssh-keygen -y -f ${file}`;
    case "other-format":
      return `print them as lines with: ssh-keygen -i -m ${problem.format} -f ${file}`;
    case "no-key":
      return "give a file of public keys, as ~/.ssh/id_ed25519.pub is one; make one with: ssh-keygen";
    case "bad-line":
      return `see what ssh makes of it with: ssh-keygen -l -f ${file}`;
    case "too-large":
    case "too-many":
      return "give the keys that are meant, in a file of their own";
    case "refused":
      return `see what is there with: ls -l ${file}`;
  }
}
