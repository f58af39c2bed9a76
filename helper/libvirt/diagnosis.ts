/** Why a libvirt socket did not serve us, as far as the system can tell. Asked only after a failure. */

import type { Failure } from "../failure.ts";
import type { InstalledDaemon } from "../failure-facts.ts";
import { EACCES } from "../sys/errno.ts";
import { type System, SystemError } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";
import { listPrograms, type Place } from "./sockets.ts";

/** /etc/group and /proc/net/unix grow with the host; more than this is not looked at. */
const MAX_FILE_BYTES = 4_194_304;

/** S_IWGRP and S_IWOTH in sys/stat.h: connect(2) to a socket needs write permission on its file (unix(7)). */
const GROUP_MAY_WRITE = 0o020;
const OTHERS_MAY_WRITE = 0o002;

/** A socket that we may not open. Names the group that may, if the file's mode says that it is the group which we lack. */
export function diagnosePermission(sys: System, path: string): Failure {
  const group = findGroup(sys, path);
  return { kind: "socket-permission", path, ...(group === undefined ? {} : { group }) };
}

/** The one group whose members the mode of the socket lets in; undefined where that is everybody, or nobody but its owner. */
export function findGroup(sys: System, path: string): string | undefined {
  try {
    const { mode, gid } = sys.readFileFacts(path);
    if ((mode & OTHERS_MAY_WRITE) !== 0 || (mode & GROUP_MAY_WRITE) === 0) return undefined;
    return findGroupName(decodeUtf8(sys.readFile("/etc/group", MAX_FILE_BYTES)), gid);
  } catch (error) {
    if (error instanceof SystemError) return undefined; // it stays without a name
    throw error;
  }
}

/** group(5): name, password, ID, members. */
export function findGroupName(groups: string, gid: number): string | undefined {
  for (const line of groups.split("\n")) {
    const [name, , id] = line.split(":");
    if (id === String(gid) && name !== undefined && name !== "") return name;
  }
  return undefined;
}

/** The daemon to start where nobody listens: the modular one where both are installed, as libvirt's own client has it. */
export function findInstalledDaemon(sys: System): InstalledDaemon | undefined {
  const names: readonly InstalledDaemon[] = ["virtqemud", "libvirtd"];
  return names.find((name) => listPrograms(name).some((path) => isThere(sys, path)));
}

export function isThere(sys: System, path: string): boolean {
  try {
    sys.readFileFacts(path);
    return true;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}

/** What QEMU's driver opens for each guest: qemuProcessOpenVhostVsock() in libvirt's qemu_process.c. */
const VHOST_DEVICE = "/dev/vhost-vsock";

/**
 * Either shows that guests of this host can have a vsock device: vhost_vsock_misc in the kernel's drivers/vhost/vsock.c, whose
 * node udev makes also for a module that is not loaded yet (MODULE_ALIAS "devname:vhost-vsock"), and the module itself, which a
 * container sees too.
 */
export const VHOST_SIGNS = [VHOST_DEVICE, "/sys/module/vhost_vsock"];

/** The first of them that is there. */
export function findVhost(sys: System): string | undefined {
  return VHOST_SIGNS.find((path) => isThere(sys, path));
}

/** Why a daemon cannot give a guest a vsock device, as far as the system can tell. */
export function diagnoseVhost(sys: System, uri: Place["uri"]): Failure | undefined {
  if (findVhost(sys) === undefined) return { kind: "no-vhost-vsock", paths: VHOST_SIGNS };
  // systemd's 50-udev-default.rules has it for the group kvm, as Debian builds it. A system daemon runs as root.
  if (uri === "qemu:///system" || !isForbidden(sys, VHOST_DEVICE)) return undefined;
  const group = findGroup(sys, VHOST_DEVICE);
  return { kind: "vhost-permission", path: VHOST_DEVICE, ...(group === undefined ? {} : { group }) };
}

/** Opens it; a device that has nothing to read is another failure. */
function isForbidden(sys: System, path: string): boolean {
  try {
    sys.readFile(path, 1);
    return false;
  } catch (error) {
    if (error instanceof SystemError) return error.errno === EACCES;
    throw error;
  }
}

/** max_anonymous_clients in libvirtd.conf, unless the administrator sets another. */
const USUAL_LIMIT = 20;

/**
 * A daemon that does not answer. At its limit of clients that have not yet proved who they are, a daemon stops accepting, and
 * new connections wait in the kernel (virNetServerCheckLimits in libvirt's virnetserver.c): the kernel can tell.
 */
export function diagnoseSilence(sys: System, path: string, seconds: number): Failure {
  try {
    const { served, waiting } = countConnections(decodeUtf8(sys.readFile("/proc/net/unix", MAX_FILE_BYTES)), path);
    if (waiting > 0 && served >= USUAL_LIMIT) return { kind: "daemon-full", path, seconds, served, waiting };
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
  return { kind: "daemon-silent", path, seconds };
}

/**
 * How many connections to the socket at `path` its daemon has accepted, and how many wait to be: proc_pid_net(5), /proc/net/unix.
 * The columns are Num, RefCount, Protocol, Flags, Type, St, Inode, Path; St is 03 for a connection, 02 for one that is not
 * accepted yet (enum socket_state in linux/net.h), which has no inode.
 */
export function countConnections(table: string, path: string): { served: number; waiting: number } {
  let served = 0;
  let waiting = 0;
  for (const line of table.split("\n")) {
    if (!line.endsWith(` ${path}`)) continue;
    const [, , , , , state, inode] = line.trim().split(/\s+/);
    if (state === "03" && inode !== "0") served += 1;
    if (state === "02" && inode === "0") waiting += 1;
  }
  return { served, waiting };
}
