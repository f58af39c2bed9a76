/** A Failure as an error line and a hint line. Every such sentence that a user can meet is here. */

import type {
  DomainFacts,
  Failure,
  GuestFacts,
  InstalledDaemon,
  RefusedRequest,
  StoppedState,
  TargetProblem,
} from "./failure.ts";
import { quote, shellQuote } from "./quote.ts";
import { describeErrno } from "./sys/errno.ts";

export interface Explanation {
  readonly error: string;
  /** One thing to do, by whoever can. */
  readonly hint?: string;
}

const FORMS = "write qemu/NAME, qemu:system/NAME, qemu:session/NAME or NAME.qemu";

const LIST = "list the domains with: virsh -c qemu:///system list --all";

/** No default case: a failure without words is a compile error. */
export function explain(failure: Failure): Explanation {
  switch (failure.kind) {
    case "bad-usage":
      return {
        error: failure.word === undefined ? failure.problem : `${failure.problem} ${quote(failure.word)}`,
        hint: `see how it is used with: ${["virtssh", failure.command, "--help"].filter((word) => word !== "").join(" ")}`,
      };
    case "bad-target":
      return explainTarget(failure.text, failure.problem);
    case "bad-number":
      return {
        error: `cannot use ${quote(failure.text)} as a ${failure.what}`,
        hint: `write a whole number from ${failure.range}`,
      };
    case "no-runtime-directory":
      return {
        error: "cannot find the session daemon's socket: neither XDG_RUNTIME_DIR nor HOME is set",
        hint: "log in as that user, or set it: export XDG_RUNTIME_DIR=/run/user/$(id -u)",
      };
    case "no-daemon":
    case "socket-permission":
    case "socket-broken":
    case "daemon-start":
      return explainSocket(failure);
    case "daemon-silent":
    case "daemon-full":
    case "daemon-closed":
    case "daemon-nonsense":
    case "daemon-wants-sasl":
    case "daemon-refused":
      return explainDaemon(failure);
    case "domain-not-found":
    case "domain-ambiguous":
    case "domain-stopped":
    case "no-vsock-device":
      return explainDomain(failure);
    case "vsock-unsupported":
    case "vsock-forbidden":
      return explainVsock(failure);
    case "no-guest-at-cid":
    case "guest-refused":
    case "guest-silent":
    case "guest-unreachable":
      return explainGuest(failure);
    case "stdout-not-a-socket":
      return {
        error: "cannot hand over the connection: stdout is not a socket of ssh's",
        hint: "set ProxyUseFdpass yes in ssh_config, or leave --fdpass out",
      };
    case "client-gone":
      return { error: "cannot go on: whoever started virtssh has closed its stdout" };
    case "system-refused":
      return { error: `cannot go on: ${failure.call} was refused: ${describeErrno(failure.errno)}` };
  }
}

type Kind<Name extends Failure["kind"]> = Extract<Failure, { readonly kind: Name }>;

function explainTarget(text: string, problem: TargetProblem): Explanation {
  const cannot = (why: string) => `cannot parse target ${quote(text)}: ${why}`;
  switch (problem.is) {
    case "empty":
      return { error: cannot("it is empty"), hint: FORMS };
    case "no-form":
      return { error: cannot("it does not say where to look"), hint: `write ${shellQuote(`qemu/${text}`)}` };
    case "unknown-prefix":
      return { error: cannot(`unknown prefix ${quote(problem.prefix)}`), hint: FORMS };
    case "no-name":
      return { error: cannot("the name is missing"), hint: FORMS };
    case "bad-character":
      return { error: cannot(`no domain has ${quote(problem.character)} in its name`), hint: LIST };
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

function explainSocket(
  failure: Kind<"no-daemon" | "socket-permission" | "socket-broken" | "daemon-start">,
): Explanation {
  switch (failure.kind) {
    case "no-daemon":
      return explainNoDaemon(failure);
    case "socket-permission":
      return {
        error: `cannot open libvirt socket ${quote(failure.path)}: permission denied`,
        hint:
          failure.group === undefined
            ? `see who may open it with: ls -l ${shellQuote(failure.path)}`
            : `only group ${quote(failure.group)} may open it; join that group, then log in again`,
      };
    case "socket-broken":
      return {
        error: `cannot use libvirt socket ${quote(failure.path)}: ${describeErrno(failure.errno)}`,
        hint: `see whether virsh can: virsh ${virshConnect(failure.path)} list`,
      };
    case "daemon-start":
      return {
        error: `cannot start the session daemon ${quote(failure.path)}: ${failure.reason}`,
        hint: "see what it says with: virsh -c qemu:///session list",
      };
  }
}

const SYSTEM_SOCKETS = "/run/libvirt/";

function explainNoDaemon({ attempts, uris, installed }: Kind<"no-daemon">): Explanation {
  const hintDaemon = installed === undefined ? INSTALL_DAEMON : START_DAEMON[installed];
  const met = attempts.map(({ path, met: what }) => {
    return what === "missing" ? `${quote(path)} is missing` : `nobody listens on ${quote(path)}`;
  });
  return {
    error: `cannot find a libvirt daemon for ${uris.join(" or ")}: ${met.join(", ")}`,
    // Root's qemu:///session is the system daemon's too.
    hint: attempts.some(({ path }) => path.startsWith(SYSTEM_SOCKETS))
      ? hintDaemon
      : "start it with: virsh -c qemu:///session list",
  };
}

const START_DAEMON: Readonly<Record<InstalledDaemon, string>> = {
  virtqemud: "start it with: sudo systemctl start virtqemud.socket virtqemud-ro.socket",
  libvirtd: "start it with: sudo systemctl start libvirtd",
};
const INSTALL_DAEMON = "install libvirt's QEMU driver: libvirt-daemon-system on Debian, libvirt-daemon-kvm on Fedora";

function virshConnect(path: string): string {
  return path.startsWith(SYSTEM_SOCKETS) ? "-c qemu:///system" : "-c qemu:///session";
}

function explainDaemon(
  failure: Kind<
    "daemon-silent" | "daemon-full" | "daemon-closed" | "daemon-nonsense" | "daemon-wants-sasl" | "daemon-refused"
  >,
): Explanation {
  if (failure.kind === "daemon-refused") return explainRefusal(failure);
  const { path } = failure;
  const virsh = `see whether virsh can: virsh ${virshConnect(path)} list`;
  switch (failure.kind) {
    case "daemon-silent":
      return { error: `cannot ask libvirt: no answer on ${quote(path)} within ${failure.seconds} s`, hint: virsh };
    case "daemon-full":
      return {
        error:
          `cannot ask libvirt: no answer on ${quote(path)} within ${failure.seconds} s: ` +
          `the daemon has ${failure.served} clients and lets ${failure.waiting} wait`,
        hint: `see whose they are with: ${listClients(path)}`,
      };
    case "daemon-closed":
      return { error: `cannot ask libvirt: the daemon closed the connection to ${quote(path)}`, hint: virsh };
    case "daemon-nonsense":
      return {
        error: `cannot understand the libvirt daemon at ${quote(path)}: ${quote(failure.detail)}`,
        hint: virsh,
      };
    case "daemon-wants-sasl":
      return {
        error: `cannot log in to libvirt at ${quote(path)}: it asks for SASL, which virtssh does not speak`,
        hint: 'set auth_unix_ro to "none" or "polkit" in libvirtd.conf or virtqemud.conf',
      };
  }
}

/** libvirt's own command, by the socket that was asked. */
function listClients(path: string): string {
  const daemon = path.includes("/virtqemud-sock") ? "virtqemud" : "libvirtd";
  return path.startsWith(SYSTEM_SOCKETS)
    ? `sudo virt-admin -c ${daemon}:///system client-list ${daemon}`
    : `virt-admin -c ${daemon}:///session client-list ${daemon}`;
}

/** What was asked of a daemon, up to its URI. */
const REQUESTS: Readonly<Record<RefusedRequest, string>> = {
  connect: "connect to",
  "list domains": "list the domains in",
  "look it up": "look up domain NAME in",
  "read it": "read domain NAME in",
};

function explainRefusal({ refused, name, code, words, uri }: Kind<"daemon-refused">): Explanation {
  const said = words === "" ? `error ${code}` : quote(words);
  return {
    error: `cannot ${REQUESTS[refused].replace("NAME", () => quote(name))} ${uri}: libvirt refused: ${said}`,
    hint: `see whether virsh may: virsh -r -c ${uri} list`,
  };
}

function explainDomain(
  failure: Kind<"domain-not-found" | "domain-ambiguous" | "domain-stopped" | "no-vsock-device">,
): Explanation {
  switch (failure.kind) {
    case "domain-not-found":
      return {
        error: `cannot find domain ${quote(failure.name)} in ${failure.uris.join(" or ")}`,
        hint: `list the domains with: virsh -c ${failure.uris[0] ?? "qemu:///system"} list --all`,
      };
    case "domain-ambiguous":
      return explainAmbiguity(failure);
    case "domain-stopped":
      return {
        error: `domain ${quote(failure.domain.name)} is ${failure.state}`,
        hint: hintSession(failure.domain) ?? hintStart(failure.domain, failure.state),
      };
    case "no-vsock-device":
      return {
        error: `domain ${quote(failure.domain.name)} has no vsock device`,
        hint: hintSession(failure.domain) ?? hintAttach(failure.domain),
      };
  }
}

function explainAmbiguity({ name, candidates }: Kind<"domain-ambiguous">): Explanation {
  const uris = [...new Set(candidates.map((candidate) => candidate.uri))];
  const names = candidates.map((candidate) => quote(candidate.name));
  const targets = candidates.map((candidate) => shellQuote(candidate.target));
  return {
    error: `domain ${quote(name)} is ambiguous in ${uris.join(" and ")}: ${names.join(" and ")} differ only in case`,
    hint: `use ${targets.join(" or ")}`,
  };
}

function hintSession({ inSession }: DomainFacts): string | undefined {
  return inSession === undefined ? undefined : `qemu:///session has one that runs: use ${shellQuote(inSession)}`;
}

const REMEDIES: Readonly<Record<StoppedState, string>> = {
  paused: "resume it with: virsh -c URI resume NAME",
  "in shutdown": "start it again, once it is shut off, with: virsh -c URI start NAME",
  "shut off": "start it with: virsh -c URI start NAME",
  crashed: "start it again with: virsh -c URI destroy NAME && virsh -c URI start NAME",
  pmsuspended: "wake it up with: virsh -c URI dompmwakeup NAME",
};

function hintStart({ virshName, uri }: DomainFacts, state: StoppedState): string {
  return REMEDIES[state].replaceAll("URI", uri).replaceAll("NAME", () => virshWord(virshName));
}

/** A domain as an argument of virsh, which takes no name that begins with `-` for one. */
function virshWord(name: string): string {
  return name.startsWith("-") ? `-- ${shellQuote(name)}` : shellQuote(name);
}

function hintAttach({ virshName, uri }: DomainFacts): string {
  const device = '<vsock><cid auto="yes"/></vsock>';
  return `add one with: echo '${device}' | virsh -c ${uri} attach-device --live --config ${virshWord(virshName)} /dev/stdin`;
}

function explainVsock(failure: Kind<"vsock-unsupported" | "vsock-forbidden">): Explanation {
  switch (failure.kind) {
    case "vsock-unsupported":
      return {
        error: "cannot use VSOCK: this kernel has no AF_VSOCK",
        hint: "load it with: sudo modprobe vhost_vsock",
      };
    case "vsock-forbidden":
      return {
        error: `cannot use VSOCK: the kernel forbids it to this process (${failure.errno})`,
        hint: "run ssh outside the container or sandbox: its seccomp filter blocks AF_VSOCK",
      };
  }
}

function explainGuest(failure: Extract<Failure, { readonly guest: GuestFacts }>): Explanation {
  switch (failure.kind) {
    case "no-guest-at-cid":
      return {
        error: `cannot connect to ${describeGuest(failure.guest)}: no guest holds its cid (${failure.guest.cid}) now`,
        hint: hintGone(failure.guest),
      };
    case "guest-refused":
      return {
        error: `cannot connect to ${describeGuest(failure.guest)}: nothing listens on ${describePort(failure.guest)}`,
        hint: "check in the guest what listens: ss -l --vsock",
      };
    case "guest-silent":
      return {
        error:
          `cannot connect to ${describeGuest(failure.guest)}: ` +
          `no answer on ${describePort(failure.guest)} within ${failure.seconds} s`,
        hint: "if it is still booting, try again when it is up; if not, check in the guest: lsmod | grep vsock",
      };
    case "guest-unreachable":
      return {
        error: `cannot connect to ${describeGuest(failure.guest)} on ${describePort(failure.guest)}: ${describeErrno(failure.errno)}`,
        hint: hintGone(failure.guest),
      };
  }
}

function describeGuest({ domain, cid }: GuestFacts): string {
  return domain === undefined ? `cid ${cid}` : `domain ${quote(domain.name)}`;
}

/** The CID is said once: it is in the guest's description where there is no domain. */
function describePort({ domain, cid, port }: GuestFacts): string {
  return domain === undefined ? `vsock port ${port}` : `vsock port ${port} (cid ${cid})`;
}

function hintGone({ domain }: GuestFacts): string {
  if (domain === undefined) return "see which guests run with: virsh -c qemu:///system list";
  return `see whether it still runs with: virsh -c ${domain.uri} domstate ${virshWord(domain.virshName)}`;
}
