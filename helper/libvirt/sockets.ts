/** Where libvirt's daemons listen, by scope: src/remote/remote_sockets.c of libvirt 11.3. No I/O. */

import { HelperError } from "../failure.ts";
import type { InstalledDaemon } from "../failure-facts.ts";
import type { Scope } from "../target.ts";

/** What the choice depends on. */
export interface Surroundings {
  userId(): number;
  environment(name: string): string | undefined;
}

/** One hypervisor driver, and how to reach the daemon that runs it. */
export interface Place {
  readonly uri: "qemu:///system" | "qemu:///session";
  /** In the order in which they are tried: the modular daemon's, then the monolithic one's. */
  readonly paths: readonly string[];
  /** The programs to start where nobody listens, first found first; none where that is not for us to do. */
  readonly daemons: readonly string[];
  /** Whether the connection is to change something; else the daemon refuses whatever would. */
  readonly mayChange?: true;
}

const SYSTEM_DIRECTORY = "/run/libvirt";

/** The places that a scope means, in the order in which they are asked. */
export function findPlaces(scope: Scope, around: Surroundings): Place[] {
  if (scope === "system") return [systemPlace()];
  if (scope === "session") return [requireSession(around)];
  // Root has no session daemon of its own; and `qemu/NAME` starts none for anybody.
  const session = around.userId() === 0 ? undefined : findSessionPlace(around);
  return session === undefined ? [systemPlace()] : [systemPlace(), { ...session, daemons: [] }];
}

/** The same daemon, where it takes orders: its read-write socket. A session daemon has but one. */
export function findWritablePlace(uri: Place["uri"], around: Surroundings): Place {
  const place = uri === "qemu:///system" ? systemPlace() : requireSession(around);
  return { ...place, paths: place.paths.map((path) => path.replace(/-ro$/, "")), daemons: [], mayChange: true };
}

function systemPlace(): Place {
  return { uri: "qemu:///system", paths: systemPaths(), daemons: [] };
}

/** The read-only sockets: we change nothing, and anyone may open them where the administrator lets them. */
function systemPaths(): string[] {
  return [`${SYSTEM_DIRECTORY}/virtqemud-sock-ro`, `${SYSTEM_DIRECTORY}/libvirt-sock-ro`];
}

/** A session daemon has no read-only socket. Root has no session daemon: the system's serves that URI (remoteGetURIDaemonInfo). */
function findSessionPlace(around: Surroundings): Place | undefined {
  if (around.userId() === 0) return { uri: "qemu:///session", paths: systemPaths(), daemons: [] };
  const directory = findRuntimeDirectory(around);
  if (directory === undefined) return undefined;
  return {
    uri: "qemu:///session",
    paths: [`${directory}/libvirt/virtqemud-sock`, `${directory}/libvirt/libvirt-sock`],
    daemons: around.environment("LIBVIRT_AUTOSTART") === "0" ? [] : findDaemons(around),
  };
}

function requireSession(around: Surroundings): Place {
  const place = findSessionPlace(around);
  if (place === undefined) throw new HelperError({ kind: "no-runtime-directory" });
  return place;
}

/** g_get_user_runtime_dir() of GLib, which libvirt uses: the cache directory stands in for a runtime directory. */
function findRuntimeDirectory(around: Surroundings): string | undefined {
  const set = (name: string) => around.environment(name) || undefined;
  const home = set("HOME");
  const cache = set("XDG_CACHE_HOME") ?? (home === undefined ? undefined : `${home}/.cache`);
  return set("XDG_RUNTIME_DIR") ?? cache;
}

/** remoteGetDaemonPathEnv() and virFileFindResourceFull(): the user's own choice, else the installed ones. */
function findDaemons(around: Surroundings): string[] {
  const named = around.environment("VIRTD_PATH") ?? around.environment("LIBVIRTD_PATH");
  if (named !== undefined && named !== "") return [named];
  return [...listPrograms("virtqemud"), ...listPrograms("libvirtd")];
}

/** Where a daemon may be installed: SBINDIR of Debian, Fedora and SUSE (which link the two), and a local build's. */
export function listPrograms(daemon: InstalledDaemon): string[] {
  return ["/usr/sbin", "/usr/bin", "/usr/local/sbin"].map((directory) => `${directory}/${daemon}`);
}
