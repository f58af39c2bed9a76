/** Why a host key is not what was expected, or cannot be kept, in words. */

import type { StoreFacts } from "../failure-facts.ts";
import { formatMinute } from "../hostkeys/time.ts";
import { quote, shellQuote } from "../quote.ts";
import { describeErrno } from "../sys/errno.ts";
import type { Explanation, Kind } from "./explanation.ts";

type KeyKind =
  | "host-key-changed"
  | "bad-certificate"
  | "no-record"
  | "not-pinned"
  | "nothing-pinned"
  | "pinned-for-several"
  | "pinned-by-admin";

export function explainHostKey(failure: Kind<KeyKind>): Explanation {
  switch (failure.kind) {
    case "host-key-changed":
      return explainChange(failure);
    case "bad-certificate":
      return {
        error: `cannot read the guest's host certificate of type ${quote(failure.type)}`,
        hint: "have ssh ask for plain keys alone: see HostKeyAlgorithms in ssh_config(5)",
      };
    case "no-record":
      return {
        error: `cannot vouch for the host key of ${quote(failure.host)}: virtssh knows of no domain behind this connection`,
        hint: "behind ProxyJump or a ProxyCommand of your own, let ssh check it: -o KnownHostsCommand=none -o UserKnownHostsFile=~/.ssh/known_hosts",
      };
    case "not-pinned":
      return explainUnpinned(failure);
    case "nothing-pinned":
      return {
        error: `no host key is pinned for ${quote(failure.target)}${failure.port === undefined ? "" : ` on vsock port ${failure.port}`}`,
        hint: "see what is pinned with: virtssh trust list",
      };
    case "pinned-for-several":
      return {
        error: `cannot tell which domain ${quote(failure.name)} is: libvirt has none of that name now, and ${failure.uuids.length} had it when their keys were pinned`,
        hint: `name the one that is meant by its UUID: ${failure.uuids.map((uuid) => `qemu/${uuid}`).join(" or ")}`,
      };
    case "pinned-by-admin":
      return {
        error: `cannot forget ${quote(failure.target)}: its host keys are pinned by the administrator, in ${quote(failure.path)}`,
        hint: `have the administrator change that file: sudoedit ${shellQuote(failure.path)}`,
      };
  }
}

/** ssh shouts after this, and advises what is of no use here. */
const SSH_ADVICE = "what ssh says about known_hosts files does not apply here";

function explainChange(failure: Kind<"host-key-changed">): Explanation {
  const { domain, port, offered, pinned, since, adminPath, isUncertified } = failure;
  const when = since === undefined ? "" : ` since ${formatMinute(since)}`;
  const where = adminPath === undefined ? "" : ` in ${quote(adminPath)}`;
  const place = `on vsock port ${port}`;
  const what = pinned.includes(offered)
    ? `its ${nameType(offered)} key ${place} is not the one that is pinned${where}${when}`
    : `it shows its ${nameType(offered)} key ${place}, where ${pinned.map(nameType).join(" and ")} is pinned${where}${when}`;
  const change = isUncertified
    ? `is not certified: its ${nameType(offered)} key ${place} has no certificate by the authority that is pinned${where}`
    : `has changed: ${what}`;
  const act =
    adminPath === undefined ? `virtssh trust forget ${shellQuote(domain.target)}` : `sudoedit ${shellQuote(adminPath)}`;
  return {
    error: `the host key of domain ${quote(domain.name)} (uuid ${domain.uuid}) ${change}`,
    hint: `a guest that was reinstalled in place looks like this; if this one was: ${act}; ${SSH_ADVICE}`,
  };
}

const TYPES: Readonly<Record<string, string>> = {
  "ssh-ed25519": "ED25519",
  "ssh-rsa": "RSA",
  "ecdsa-sha2-nistp256": "ECDSA",
  "ecdsa-sha2-nistp384": "ECDSA",
  "ecdsa-sha2-nistp521": "ECDSA",
  "sk-ssh-ed25519@openssh.com": "ED25519-SK",
  "sk-ecdsa-sha2-nistp256@openssh.com": "ECDSA-SK",
};

/** As ssh-keygen names it. */
function nameType(type: string): string {
  return TYPES[type] ?? type;
}

/** Why a login goes on with a key that nobody will know again. */
function explainUnpinned({ domain, because }: Kind<"not-pinned">): Explanation {
  const { error, hint } = because.kind === "pins-failed" ? explainStore(because) : explainNoDirectory(because);
  return {
    error: `the host key of domain ${quote(domain.name)} is accepted this time, and not pinned: ${error}`,
    ...(hint === undefined ? {} : { hint }),
  };
}

export function explainRecord(failure: Kind<"record-failed">): Explanation {
  if (failure.path.startsWith("/proc/")) {
    return {
      error: `cannot tell ssh which guest this is: the process that has started virtssh is not in /proc`,
      hint: "see what is mounted there with: findmnt /proc",
    };
  }
  const { error, hint } = explainStore(failure);
  return {
    error: `cannot tell ssh which guest this is: ${error}`,
    ...(hint === undefined ? {} : { hint }),
  };
}

export function explainNoDirectory({ uid }: Kind<"no-own-directory">): Explanation {
  return {
    error: `there is no place of uid ${uid}'s own: XDG_RUNTIME_DIR and HOME name none, and /etc/passwd names no home`,
    hint: "set HOME to a directory that you may write to",
  };
}

export function explainStore({ path, problem }: StoreFacts): Explanation {
  const file = quote(path);
  const word = shellQuote(path);
  switch (problem.is) {
    case "refused":
      return explainRefused(path, problem);
    case "other-owner":
      return {
        error: `cannot trust ${file}: it belongs to uid ${problem.owner}, not to uid ${problem.user}`,
        hint: `see whose it is, and why, with: ls -ld ${word}`,
      };
    case "open-to-others":
      return {
        error: `cannot trust ${file}: others may write to it`,
        hint: `if all that is in it is yours, forbid it with: chmod go-w ${word}`,
      };
    case "not-a-file":
      return { error: `cannot use ${file}: it is no regular file`, hint: `see what it is with: ls -ld ${word}` };
    case "not-a-directory":
      return { error: `cannot use ${file}: it is no directory`, hint: `see what it is with: ls -ld ${word}` };
    case "too-large":
      return {
        error: `cannot keep the host keys in ${file}: they are more than ${problem.maxBytes} bytes`,
        hint: `see what it holds with: less ${word}`,
      };
    case "bad-line":
      return {
        error: `cannot read the host keys in ${file}: line ${problem.line} is no host key`,
        hint: `look at that line, and correct or remove it: less ${word}`,
      };
  }
}

type Refused = Extract<StoreFacts["problem"], { readonly is: "refused" }>;

function explainRefused(path: string, { act, errno }: Refused): Explanation {
  if (act === "lock" && errno === "ETIMEDOUT") {
    return {
      error: `cannot lock ${quote(path)}: another process has held it for 5 s`,
      hint: `see which one with: lslocks | grep -F ${shellQuote(path)}`,
    };
  }
  return { error: `cannot ${act} ${quote(path)}: ${describeErrno(errno)}`, hint: hintRefused(path, errno) };
}

/** The path need not be there yet. */
function hintRefused(path: string, errno: string): string {
  switch (errno) {
    case "ENOSPC":
      return "see which file system has no room left, or no inodes: df -h; df -i";
    case "EDQUOT":
      return "see what your quota is with: quota -s";
    case "EROFS":
      return "see which file systems are read-only with: findmnt -O ro";
    default:
      return `see the owner and the mode of each part of the path with: namei -l ${shellQuote(path)}`;
  }
}
