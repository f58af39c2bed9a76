/** What is wrong with a guest's sshd, from what its programs say. No I/O. */

import type { SshdProblem } from "../failures/guest-sshd.ts";
import type { Ended } from "../libvirt/guest-programs.ts";

/** How far the way to the guest has led. */
export type Met = "refused" | "not reached" | "mute" | "closed";

/** What was asked in the guest; undefined where a program is not there, or has nothing to say. */
export interface GuestFacts {
  readonly paths: ReadonlySet<string> | undefined;
  readonly listener: string | undefined;
  /** Whether it is certain that nobody listens where there is no listener. */
  readonly isListed: boolean;
  readonly units: ReadonlyMap<string, UnitFacts> | undefined;
  /** `sshd -t`, which checks its configuration and its keys. */
  readonly check: Ended | undefined;
}

/** Properties of systemd's units: org.freedesktop.systemd1(5). */
interface UnitFacts {
  readonly loaded: string;
  readonly active: string;
  readonly enabled: string;
}

/** Where sshd may be: in most, in Arch, built by hand, and in NixOS. */
const SSHD = "/usr/sbin/sshd";
const SSHD_PATHS = [SSHD, "/usr/bin/sshd", "/usr/local/sbin/sshd", "/run/current-system/sw/bin/sshd"];
/** DEFAULT_KEY paths of OpenSSH's pathnames.h. */
const KEY_PATHS = ["rsa", "ecdsa", "ed25519"].map((type) => `/etc/ssh/ssh_host_${type}_key`);
const GENERATOR = "/usr/lib/systemd/system-generators/systemd-ssh-generator";
/** virtio_transport.c of Linux, whose devices are links in it. */
const DRIVER = "/sys/bus/virtio/drivers/vmw_vsock_virtio_transport";
const MAX_DEVICES = 64;
const DEVICES = Array.from({ length: MAX_DEVICES }, (_, index) => `${DRIVER}/virtio${index}`);
/** It is everywhere: without it `ls` has not worked. */
const ROOT = "/";

/** `ls` prints those that are there; nobody else's names. */
export const LIST_PATHS = ["ls", "-1", "-d", ROOT, ...SSHD_PATHS, ...KEY_PATHS, GENERATOR, DRIVER, ...DEVICES] as const;

export function parsePaths(ended: Ended | undefined): ReadonlySet<string> | undefined {
  const paths = new Set(ended?.output.split("\n"));
  return paths.has(ROOT) ? paths : undefined;
}

/** `ss` of iproute2; 4.15 knows VSOCK. */
export const LIST_LISTENERS = ["ss", "-H", "-l", "-n", "-p", "--vsock"] as const;

/** v_str LISTEN 0 0 *:22 *:* users:(("systemd",pid=1,fd=47)) */
const LISTENER = /^v_str +LISTEN +\d+ +\d+ +(\S+):(\d+) +\S+(?: +users:\(\("([^"]*)")?/;
/** VMADDR_CID_LOCAL of linux/vm_sockets.h: only the guest itself can connect there. */
const LOCAL = "1";

/** Whether `ss` could look: one before 4.15 knows no such option. */
export function hasListed(ended: Ended | undefined): boolean {
  return ended?.status === 0;
}

/** The program that has the port, empty where its name is not told. */
export function findListener(ended: Ended | undefined, port: number): string | undefined {
  for (const line of ended?.output.split("\n") ?? []) {
    const [, cid, number, name = ""] = LISTENER.exec(line) ?? [];
    if (number === String(port) && cid !== LOCAL) return name;
  }
  return undefined;
}

const SOCKET = "sshd-vsock.socket";
const FORWARDER = "virtssh-vsock-forward.service";

export const SHOW_UNITS = [
  ...["systemctl", "show", "--no-pager", "-p", "Id,LoadState,ActiveState,UnitFileState"],
  ...["--", SOCKET, FORWARDER],
] as const;

/** One block a unit, with an empty line in between. */
export function parseUnits(ended: Ended | undefined): ReadonlyMap<string, UnitFacts> | undefined {
  const blocks = (ended?.output ?? "").split("\n\n").map((block) => {
    const properties = block.split("\n").map((line) => /^(\w+)=(.*)$/.exec(line)?.slice(1) ?? []);
    const find = (name: string) => properties.find(([key]) => key === name)?.[1] ?? "";
    return [
      find("Id"),
      { loaded: find("LoadState"), active: find("ActiveState"), enabled: find("UnitFileState") },
    ] as const;
  });
  const units = new Map(blocks.filter(([id]) => id !== ""));
  return units.size === 0 ? undefined : units;
}

/** The first that is there. */
export function findSshd(paths: ReadonlySet<string> | undefined): string | undefined {
  return SSHD_PATHS.find((path) => paths?.has(path));
}

/** The port on which systemd's and our own units listen. */
const SSH_PORT = 22;

/** Undefined where nothing is to be found fault with. */
export function findProblem(met: Met, port: number, facts: GuestFacts): SshdProblem | undefined {
  if (met === "mute" || met === "closed") return findTaken(met, facts) ?? findBroken(facts);
  if (facts.listener !== undefined) return undefined;
  const { paths, units } = facts;
  return (
    (met === "refused" ? undefined : findMissingDevice(paths)) ??
    findMissingSshd(paths) ??
    (port === SSH_PORT && units !== undefined ? findIdleUnit(units, paths) : undefined) ??
    (met === "refused" || facts.isListed ? { is: "nobody", sshd: findSshd(paths) ?? SSHD } : undefined)
  );
}

/** A port that refuses is its driver's word. */
function findMissingDevice(paths: GuestFacts["paths"]): SshdProblem | undefined {
  if (paths === undefined || DEVICES.some((path) => paths.has(path))) return undefined;
  return { is: paths.has(DRIVER) ? "no-device" : "no-driver" };
}

function findMissingSshd(paths: GuestFacts["paths"]): SshdProblem | undefined {
  return paths !== undefined && findSshd(paths) === undefined ? { is: "no-sshd" } : undefined;
}

function findIdleUnit(units: ReadonlyMap<string, UnitFacts>, paths: GuestFacts["paths"]): SshdProblem | undefined {
  // Where both are enabled, the forwarder is what was chosen: guest/README.md.
  const unit = units.get(FORWARDER)?.enabled === "enabled" ? FORWARDER : SOCKET;
  const facts = units.get(unit);
  if (facts === undefined || facts.active === "active") return undefined;
  if (facts.loaded === "masked") return { is: "masked", unit };
  if (facts.loaded === "not-found") return { is: "no-unit", unit, hasGenerator: paths?.has(GENERATOR) === true };
  return { is: "not-active", unit, state: facts.active };
}

/** Who starts an sshd for a connection, or passes it on to one. */
const SERVERS: readonly string[] = ["sshd", "dropbear", "systemd", "socat", ""];

function findTaken(met: Met, { listener }: GuestFacts): SshdProblem | undefined {
  const isForeign = met === "mute" && listener !== undefined && !SERVERS.includes(listener);
  return isForeign ? { is: "taken", by: listener } : undefined;
}

/** main() in OpenSSH's sshd.c. Where a configuration names keys of its own, these are what is missing. */
const NO_KEYS = "no hostkeys available";

function findBroken({ paths, check }: GuestFacts): SshdProblem | undefined {
  const program = findSshd(paths);
  if (program === undefined) return findMissingSshd(paths);
  if (check === undefined || check.status === 0) return undefined;
  const { complaint } = check;
  if (complaint.includes(NO_KEYS) && !KEY_PATHS.some((path) => paths?.has(path))) return { is: "no-host-keys" };
  const [words = ""] = complaint.trim().split(/\r?\n/);
  return { is: "sshd-refuses", program, words: words === "" ? `exit status ${check.status}` : words };
}
