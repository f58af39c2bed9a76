/** What libvirt's sockets and daemons can meet us with, in words. */

import type { InstalledDaemon, RefusedRequest } from "../failure-facts.ts";
import { quote } from "../quote.ts";
import { describeErrno } from "../sys/errno.ts";
import { type Explanation, hintPermission, type Kind } from "./explanation.ts";

export function explainSocket(
  failure: Kind<"no-daemon" | "socket-permission" | "socket-broken" | "daemon-start">,
): Explanation {
  switch (failure.kind) {
    case "no-daemon":
      return explainNoDaemon(failure);
    case "socket-permission":
      return {
        error: `cannot open libvirt socket ${quote(failure.path)}: permission denied`,
        hint: hintPermission(failure),
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

export function explainDaemon(
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

/** What was asked of a daemon, up to its URI, and what it takes. */
interface Request {
  readonly words: string;
  /** Those of libvirt's fine-grained access control: @acl in libvirt's remote_protocol.x. */
  readonly permissions: readonly string[];
  /** Whether it takes a connection that may change something. */
  readonly isChange?: true;
}

const REQUESTS: Readonly<Record<RefusedRequest, Request>> = {
  connect: { words: "connect to", permissions: ["connect.getattr"] },
  "list domains": { words: "list the domains in", permissions: ["connect.search-domains"] },
  "look it up": { words: "look up domain NAME in", permissions: ["domain.getattr"] },
  "read it": { words: "read domain NAME in", permissions: ["domain.read"] },
  "watch it": { words: "watch domain NAME in", permissions: ["connect.search-domains"] },
  "start it": { words: "start domain NAME in", permissions: ["domain.start"], isChange: true },
  "add a device": { words: "add a vsock device to domain NAME in", permissions: ["domain.write"], isChange: true },
  "ask its agent": { words: "ask the guest agent of domain NAME in", permissions: ["domain.write"], isChange: true },
  "configure a device": {
    words: "add a vsock device to the configuration of domain NAME in",
    permissions: ["domain.write", "domain.save"],
    isChange: true,
  },
  "change its configuration": {
    words: "change the configuration of domain NAME in",
    permissions: ["domain.read", "domain.read-secure", "domain.write", "domain.save"],
    isChange: true,
  },
};

/** virErrorNumber: VIR_ERR_AUTH_FAILED, VIR_ERR_AUTH_CANCELLED, VIR_ERR_ACCESS_DENIED and VIR_ERR_AUTH_UNAVAILABLE. */
const AUTH_FAILED = 45;
const AUTH_CANCELLED = 79;
const ACCESS_DENIED = 88;
const AUTH_UNAVAILABLE = 94;

function explainRefusal(failure: Kind<"daemon-refused">): Explanation {
  const { refused, name, code, words, uri } = failure;
  const said = words === "" ? `error ${code}` : quote(words);
  const request = REQUESTS[refused];
  return {
    error: `cannot ${request.words.replace("NAME", () => quote(name))} ${uri}: libvirt refused: ${said}`,
    hint: hintRight(failure, request) ?? `see whether virsh may: virsh ${request.isChange ? "" : "-r "}-c ${uri} list`,
  };
}

/**
 * The right that is missing, where that is it. libvirt's own rule for polkit, 60-libvirt.rules in Debian and 50-libvirt.rules
 * elsewhere, grants org.libvirt.unix.manage to the group libvirt; without it polkit would ask for a password, and there is nobody to
 * ask (virPolkitCheckAuth() in libvirt's virpolkit.c). polkit looks a user's groups up by itself, so no new login is needed.
 */
function hintRight({ code, uri }: Kind<"daemon-refused">, { permissions, isChange }: Request): string | undefined {
  if (code === ACCESS_DENIED) return hintActions(...permissions.map((permission) => `org.libvirt.api.${permission}`));
  // A session daemon asks for nothing: this is another's word, of which we know no more.
  if (uri !== "qemu:///system") return undefined;
  switch (code) {
    case AUTH_FAILED:
      return hintActions(isChange ? "org.libvirt.unix.manage" : "org.libvirt.unix.monitor");
    case AUTH_CANCELLED:
    case AUTH_UNAVAILABLE:
      return isChange ? JOIN : hintActions("org.libvirt.unix.monitor");
    default:
      return undefined;
  }
}

function hintActions(...actions: readonly string[]): string {
  return `have the administrator grant you, by polkit: ${actions.join(", ")}`;
}

const JOIN =
  'have polkit grant you org.libvirt.unix.manage, or join group "libvirt": sudo usermod -aG libvirt "$(id -un)"';
