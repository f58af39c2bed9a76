// Packages for the tests of ours: a next release of it, and one that stands for all that a distribution would have installed.
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { findEngine } from "../../packaging/engine.ts";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { findEpoch, readVersion } from "../../packaging/release.ts";
import { runRpmbuild, writeSources } from "../../packaging/rpm/build-rpm.ts";
import { runCommand } from "../../packaging/run-command.ts";
import { findPackage, findSourceTarball } from "../packages/built.ts";
import type { Fact } from "./facts.ts";

/** What the next release has at the end of its drop-in and of its socket unit. */
export const NEXT_LINE = "# of the next release";

/** rpm in the box, whose kernel has neither network namespaces, which a plugin of rpm wants for scripts, nor priorities of I/O. */
export const RPM = "bash /etc/lab/rpm";
const NO_PRIORITY = "warning: Unable to reset I/O priority: Function not implemented";
export const RPM_TEXTS = {
  "/etc/lab/rpm": `{ rpm --noplugins "$@" 2>&1 >&3 | sed 's,${NO_PRIORITY},,' >&2; exit "\${PIPESTATUS[0]}"; } 3>&1\n`,
} as const;

/** All that is there, but for what changes by itself; rpm's database too. */
export const LIST = `find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /lab -o -path /var/lib/rpm \
-o -path /var/lib/libvirt -o -path /var/lib/systemd -o -path /var/log -o -path /var/cache -o -path /var/tmp \\) -prune -o -printf '%y %m %u %p\\n' | sort`;

/** Fedora's package "filesystem" has the directories that Debian's root has only where a package needs them. */
export const PREPARE: Fact = {
  name: "what is there before is listed",
  run: `mkdir -p /usr/share/{licenses,doc,man/man1,man/man7}; ${RPM} -i /tmp/distribution.rpm && ${LIST} > /tmp/before`,
};

/** Paths of packages: this release's, the next one's, and two that provide what those require, but for ssh's version. */
export interface RpmPackages {
  readonly host: string;
  readonly guest: string;
  readonly nextHost: string;
  readonly nextGuest: string;
  readonly distribution: string;
  readonly oldSsh: string;
}

/** Builds, in a few seconds, what `npm run packages` has not, in a folder `name` of its own. */
export function buildRpmPackages(name: string): RpmPackages {
  requirePrograms({ rpmbuild: "rpm", "pkg-config": "pkgconf" });
  const work = resolve("build/test/rpm", name);
  rmSync(work, { recursive: true, force: true });
  const host = findPackage(/^virtssh-\d.*\.x86_64\.rpm$/);
  const guest = findPackage(/^virtssh-guest-.*\.noarch\.rpm$/);
  const [nextHost, nextGuest] = buildNext(work);
  const needed = [host, guest, nextHost].flatMap((path) => runCommand(["rpm", "-qp", "--requires", path]).split("\n"));
  return {
    ...{ host, guest, nextHost, nextGuest },
    distribution: buildStandIn(work, {
      name: "distribution",
      provides: [...listPlain(needed), "openssh-clients = 9.9"],
    }),
    oldSsh: buildStandIn(work, { name: "old-ssh", provides: ["openssh-clients = 8.4"] }),
  };
}

/**
 * The next release is built as where the distribution has the engine: with this project's own in that part, which spares compiling it
 * once more.
 */
function buildNext(work: string): readonly [string, string] {
  const folder = join(work, "next");
  const job = {
    tarball: resolve(findSourceTarball()),
    version: readVersion(),
    epoch: findEpoch(),
    work: folder,
    out: "",
  };
  const spec = writeSources(job);
  writeFileSync(spec.path, changeSpec(spec.text));
  const { include, library, compiler } = findEngine("pinned");
  mkdirSync(join(folder, "bin"));
  symlinkSync(compiler, join(folder, "bin/qjsc"));
  const described = {
    Name: "quickjs-ng",
    Description: "x",
    Version: "0.99",
    Libs: `${library} -lm`,
    Cflags: `-I${include}`,
  };
  const lines = Object.entries(described).map(([name, value]) => `${name}: ${value}\n`);
  writeFileSync(join(folder, "bin/quickjs-ng.pc"), lines.join(""));
  const found = [`PATH=${join(folder, "bin")}:${process.env["PATH"] ?? ""}`, `PKG_CONFIG_PATH=${join(folder, "bin")}`];
  runRpmbuild(job, ["-bb", "--with", "system_engine", spec.name], found);
  return [findBuilt(folder, "x86_64"), findBuilt(folder, "noarch")];
}

function changeSpec(text: string): string {
  const changed = ["%{_sysconfdir}/ssh/ssh_config.d/25-virtssh.conf", "%{_unitdir}/sshd-vsock.socket"];
  const lines = changed.map((path) => `echo '${NEXT_LINE}' >> %{buildroot}${path}\n`);
  return text.replace(/^(Release: +)1/m, "$12").replace(/^%check$/m, `${lines.join("")}\n%check`);
}

/** What does not depend on rpm's own version, or on a version at all. */
function listPlain(requires: readonly string[]): readonly string[] {
  const names = requires.filter((line) => line !== "" && !/^(?:rpmlib|config)\(|^openssh-clients /.test(line));
  return [...new Set(names)];
}

function buildStandIn(work: string, { name, provides }: { name: string; provides: readonly string[] }): string {
  const folder = join(work, name);
  mkdirSync(folder, { recursive: true });
  const tags = ["Version: 1", "Release: 1", "Summary: x", "License: MIT", "BuildArch: noarch"];
  const lines = [`Name: ${name}`, ...tags, ...provides.map((provided) => `Provides: ${provided}`)];
  writeFileSync(join(folder, "x.spec"), `${lines.join("\n")}\n%description\nx\n%files\n`);
  runRpmbuild({ work: folder, epoch: findEpoch() }, ["-bb", "x.spec"]);
  return findBuilt(folder, "noarch");
}

function findBuilt(folder: string, arch: string): string {
  const packages = join(folder, "RPMS", arch);
  const [file] = readdirSync(packages);
  if (file === undefined) throw new Error(`rpmbuild has left nothing in ${packages}`);
  return join(packages, file);
}
