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

/** What was asked of a daemon, up to its URI. */
const REQUESTS: Readonly<Record<RefusedRequest, string>> = {
  connect: "connect to",
  "list domains": "list the domains in",
  "look it up": "look up domain NAME in",
  "read it": "read domain NAME in",
  "watch it": "watch domain NAME in",
  "start it": "start domain NAME in",
  "add a device": "add a vsock device to domain NAME in",
  "configure a device": "add a vsock device to the configuration of domain NAME in",
};

const CHANGES: readonly RefusedRequest[] = ["start it", "add a device", "configure a device"];

function explainRefusal({ refused, name, code, words, uri }: Kind<"daemon-refused">): Explanation {
  const said = words === "" ? `error ${code}` : quote(words);
  return {
    error: `cannot ${REQUESTS[refused].replace("NAME", () => quote(name))} ${uri}: libvirt refused: ${said}`,
    hint: `see whether virsh may: virsh ${CHANGES.includes(refused) ? "" : "-r "}-c ${uri} list`,
  };
}
