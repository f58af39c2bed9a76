/** Why ssh cannot be set up for one user, in words. */

import type { SetupProblem } from "../failure-facts.ts";
import { quote, shellQuote } from "../quote.ts";
import { describeErrno } from "../sys/errno.ts";
import type { Explanation, Kind } from "./explanation.ts";

const BY_HAND = "put the block where your ssh reads it; this prints it: virtssh setup --print";

export function explainSetup(failure: Kind<"setup-failed" | "setup-no-home" | "setup-bad-path">): Explanation {
  switch (failure.kind) {
    case "setup-failed":
      return explainFile(failure.path, failure.problem);
    case "setup-no-home":
      return {
        error: `cannot find your home directory: uid ${failure.uid} is not in /etc/passwd, and HOME names none`,
        hint: "set HOME to the directory that has your .ssh in it",
      };
    case "setup-bad-path":
      return {
        error: `cannot name ${quote(failure.path)} in ssh's configuration: ssh or a shell would read it differently`,
        hint: "copy virtssh to a path of plain characters, such as /usr/local/bin/virtssh, and run that",
      };
  }
}

function explainFile(path: string, problem: SetupProblem): Explanation {
  const file = quote(path);
  const word = shellQuote(path);
  switch (problem.is) {
    case "refused":
      return {
        error: `cannot ${problem.act} ${file}: ${describeErrno(problem.errno)}`,
        hint: hintRefused(path, problem),
      };
    case "not-a-file":
      return { error: `cannot use ${file}: it is no regular file`, hint: `see what it is with: ls -ld ${word}` };
    case "too-large":
      return { error: `cannot use ${file}: it is larger than ${problem.maxBytes} bytes`, hint: BY_HAND };
    case "other-owner":
      return {
        error: `cannot use ${file}: it belongs to uid ${problem.owner}, not to uid ${problem.user}`,
        hint: `make it yours with: sudo chown ${problem.user} ${word}`,
      };
    case "dangling":
      return {
        error: `cannot use ${file}: it is a symbolic link to ${quote(problem.target)}, which is missing`,
        hint: `make what it leads to, or remove the link with: rm ${word}`,
      };
    case "read-only":
      return { error: `cannot change ${file}: its mode forbids writing`, hint: `allow it with: chmod u+w ${word}` };
    case "foreign":
      return {
        error: `cannot write ${file}: there is one already, which is not setup's`,
        hint: `move it away with: mv ${word} ${shellQuote(`${path}.old`)}`,
      };
    case "busy":
      return {
        error: `cannot change ${file}: another virtssh setup is at it, and holds ${quote(problem.lock)}`,
        hint: `if none is running, remove what one left behind with: rm ${shellQuote(problem.lock)}`,
      };
  }
}

function hintRefused(path: string, { errno }: Extract<SetupProblem, { readonly is: "refused" }>): string {
  switch (errno) {
    case "ENOSPC":
    case "EDQUOT":
      return `see what is left with: df -h ${shellQuote(path.replace(/\/[^/]*$/, ""))}`;
    case "EROFS":
    case "EBUSY":
      return BY_HAND;
    default:
      return `see the owner and the mode of each part of the path with: namei -l ${shellQuote(path)}`;
  }
}
