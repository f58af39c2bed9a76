/** What is wrong with ssh, its configuration and what it starts, in words. */

import type { ConfigLine } from "../failure-facts.ts";
import { quote, shellQuote } from "../quote.ts";
import { describeErrno } from "../sys/errno.ts";
import type { Explanation, Kind } from "./explanation.ts";

export function explainSsh(
  failure: Kind<"ssh-missing" | "ssh-unknown" | "ssh-too-old" | "ssh-silent" | "ssh-bad-owner" | "ssh-refuses">,
): Explanation {
  switch (failure.kind) {
    case "ssh-missing":
      return {
        error: "cannot find ssh in PATH",
        hint: "install OpenSSH's client: openssh-client on Debian, openssh-clients on Fedora",
      };
    case "ssh-unknown":
      return {
        error: `cannot tell which ssh this is: "ssh -V" says ${quote(failure.words)}`,
        hint: "put OpenSSH's ssh first in PATH",
      };
    case "ssh-too-old":
      return {
        error: `ssh is OpenSSH ${failure.version}: the drop-in needs ${failure.oldest}`,
        hint: `update OpenSSH to ${failure.oldest} or later`,
      };
    case "ssh-silent":
      return {
        error: `cannot read ssh's configuration: ssh has not told it within ${failure.seconds} s`,
        hint: `see what it waits for with: ssh -G -v -- ${shellQuote(failure.host)}`,
      };
    case "ssh-bad-owner":
      return {
        error: `cannot use ssh at all: it refuses the owner or the mode of ${quote(failure.path)}`,
        hint: hintOwner(failure),
      };
    case "ssh-refuses":
      return {
        error: `ssh refuses ${quote(failure.host)}: ${failure.words === "" ? `status ${failure.status}` : quote(failure.words)}`,
        hint: `see all that it says with: ssh -G -v -- ${shellQuote(failure.host)}`,
      };
  }
}

/** read_config_file_depth() in OpenSSH's readconf.c: root's or the user's own, and nobody else's to write. */
function hintOwner({ path, owner, host }: Kind<"ssh-bad-owner">): string {
  const file = shellQuote(path);
  switch (owner) {
    case "ours":
      return `let nobody else write it: chmod go-w ${file}`;
    case "unknown here":
      return `this user namespace does not know its owner; do without it: virtssh setup && ssh -F ~/.ssh/config ${shellQuote(host)}`;
    case "another's":
      return `give it to root with: sudo chown root: ${file} && sudo chmod go-w ${file}`;
  }
}

export function explainDropIn(
  failure: Kind<"not-our-proxy" | "jump-host" | "fdpass-mismatch" | "control-path">,
): Explanation {
  switch (failure.kind) {
    case "not-our-proxy":
      return explainOther(failure);
    case "jump-host":
      return {
        error: `ssh goes to ${quote(failure.host)} by way of ${quote(failure.jump)}${locate(failure.at)}, and not through virtssh`,
        hint: `go there without it: ssh -o ProxyJump=none ${shellQuote(failure.host)}`,
      };
    case "fdpass-mismatch":
      return {
        error: `cannot hand over a connection: ProxyUseFdpass is yes${locate(failure.at)}, and the ProxyCommand has no --fdpass`,
        hint: "write ProxyUseFdpass no there",
      };
    case "control-path":
      return {
        error:
          `cannot share a connection: the ControlPath${locate(failure.at)} is ${quote(failure.path)}, ` +
          `and there is no directory ${quote(failure.directory)}`,
        hint: failure.hasName
          ? "write %C in it, in place of %h or %n, which hold a slash here"
          : `make it with: mkdir -p -m 700 ${shellQuote(failure.directory)}`,
      };
  }
}

const KEEP_OUT =
  'keep guests out of that block: begin it with Match host "*,!qemu/*,!qemu:*,!qemu%*,!qemu-*%*,!*.qemu"';

function explainOther(failure: Kind<"not-our-proxy">): Explanation {
  const { host, command, at, fdpassAt, dropIn } = failure;
  const waits =
    fdpassAt === undefined ? "" : `, and waits for a descriptor from it, by ProxyUseFdpass${locate(fdpassAt)}`;
  const error = `ssh has ${describeProxy(failure)}${locate(at)} for ${quote(host)}${waits}`;
  if (dropIn === "not read") return { error, hint: "set it up for yourself with: virtssh setup" };
  if (dropIn === "not for it") {
    return { error, hint: "write qemu/NAME, qemu:system/NAME, qemu:session/NAME or NAME.qemu" };
  }
  const orUseIt = `; or use it, with: ssh -o ProxyUseFdpass=no ${shellQuote(host)}`;
  return { error, hint: `${KEEP_OUT}${command === undefined || fdpassAt === undefined ? "" : orUseIt}` };
}

function describeProxy({ command, at }: Kind<"not-our-proxy">): string {
  if (command !== undefined) return `another ProxyCommand, ${quote(command)}`;
  return at === undefined ? "no ProxyCommand" : "ProxyCommand none";
}

function locate(at: ConfigLine | undefined): string {
  return at === undefined ? "" : ` (${quote(at.path)} line ${at.line})`;
}

export function explainKeyCheck(failure: Kind<"no-host-key-check" | "known-hosts-broken">): Explanation {
  return failure.kind === "no-host-key-check" ? explainNoCheck(failure) : explainCommand(failure);
}

const OWN_FILE = "UserKnownHostsFile ~/.ssh/known_hosts";

function explainNoCheck({ host, lacks, program, at }: Kind<"no-host-key-check">): Explanation {
  const nobody = `nobody can tell ssh that a host key of ${quote(host)} is right`;
  if (lacks === "uuid") {
    return {
      error: `${nobody}: virtssh knows guests by their UUID, a bare CID has none, and there is no file of known hosts`,
      hint: `let ssh check it: ssh -o KnownHostsCommand=none -o ${OWN_FILE.replace(" ", "=")} ${shellQuote(host)}`,
    };
  }
  if (at === undefined) {
    return {
      error: `${nobody}: there is neither a KnownHostsCommand nor a file of known hosts`,
      hint: `write beside the ProxyCommand: KnownHostsCommand ${program} known-hosts -- %I %t %K %n`,
    };
  }
  return {
    error: `${nobody}: KnownHostsCommand is none${locate(at)}, and there is no file of known hosts`,
    hint: `take that line out, or write one more beside it: ${OWN_FILE}`,
  };
}

function explainCommand({ command, problem, at }: Kind<"known-hosts-broken">): Explanation {
  const failed = `ssh cannot ask for host keys: KnownHostsCommand ${quote(command)}${locate(at)}`;
  switch (problem.is) {
    case "relative":
      return { error: `${failed} begins with no absolute path`, hint: "write the whole path of virtssh there" };
    case "refused":
      return { error: `${failed} cannot be run: ${describeErrno(problem.errno)}`, hint: INSTALL };
    case "ended":
      return { error: `${failed} says ${quote(problem.words)}, with status ${problem.status}`, hint: INSTALL };
  }
}

const INSTALL = "install this version of virtssh where it says that it is";

export function explainShell(failure: Kind<"shell-broken" | "helper-broken">): Explanation {
  switch (failure.kind) {
    case "shell-broken":
      return {
        error: `ssh cannot start virtssh: the shell ${quote(failure.shell)} runs no command: ${describeEnd(failure)}`,
        hint: "have ssh use another: export SHELL=/bin/sh",
      };
    case "helper-broken":
      return {
        error: `ssh cannot start virtssh: ${failure.program} --version says ${quote(failure.words)}, with status ${failure.status}`,
        hint: "install virtssh where the ProxyCommand says that it is",
      };
  }
}

function describeEnd({ errno, status }: Kind<"shell-broken">): string {
  if (errno === "ETIMEDOUT") return "it has not ended in time";
  return errno === undefined ? `it ended with status ${status}` : describeErrno(errno);
}
