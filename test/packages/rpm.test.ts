// The RPMs that `npm run packages` has made: what rpm says of them, and rpmlint.
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { readVersion } from "../../packaging/release.ts";
import { findPackage } from "./built.ts";

const VERSION = readVersion();
const HOST = /^virtssh-\d.*\.x86_64\.rpm$/;
const GUEST = /^virtssh-guest-.*\.noarch\.rpm$/;
const SOURCE = /^virtssh-\d.*\.src\.rpm$/;
const MAX_BYTES = 1_500_000;

const SPEC = "packaging/rpm/virtssh.spec";

beforeAll(() =>
  requirePrograms({
    cpio: "cpio",
    dash: "dash",
    rpm: "rpm",
    rpm2cpio: "rpm2cpio",
    rpmbuild: "rpm",
    rpmlint: "rpmlint",
  }),
);

function query(name: RegExp, ...words: readonly string[]): string {
  return execFileSync("rpm", ["--nosignature", "-qp", ...words, findPackage(name)], { encoding: "utf8" });
}

/** Type and mode, owner, rpm's flags for configuration (c), documentation (d), licences (l), nothing to replace (n); and the path. */
const FILES = "[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEFLAGS:fflags} %{FILENAMES}\\n]";

const listFiles = (name: RegExp) =>
  query(name, "--queryformat", FILES).replaceAll(`-${VERSION}/`, "/").trim().split("\n");

/** Debian's rpm has the version in the names of documentation's folders; others have not. */
const listPlain = (name: RegExp) => listFiles(name).map((line) => line.replace(new RegExp(`-${VERSION}$`), ""));

describe("virtssh's RPM", () => {
  test("holds these files", () => {
    expect(listPlain(HOST)).toEqual([
      "drwxr-xr-x root:root  /etc/bash_completion.d",
      "-rw-r--r-- root:root cn /etc/bash_completion.d/virtssh",
      "-rw-r--r-- root:root cn /etc/ssh/ssh_config.d/25-virtssh.conf",
      "-rwxr-xr-x root:root  /usr/bin/virtssh",
      "drwxr-xr-x root:root  /usr/share/doc/virtssh",
      "-rw-r--r-- root:root d /usr/share/doc/virtssh/CHANGELOG.md",
      "-rw-r--r-- root:root d /usr/share/doc/virtssh/README.md",
      "-rw-r--r-- root:root d /usr/share/doc/virtssh/virtssh-keys.schema.json",
      "-rw-r--r-- root:root d /usr/share/doc/virtssh/virtssh-list.schema.json",
      "drwxr-xr-x root:root  /usr/share/fish",
      "drwxr-xr-x root:root  /usr/share/fish/vendor_conf.d",
      "-rw-r--r-- root:root  /usr/share/fish/vendor_conf.d/virtssh.fish",
      "drwxr-xr-x root:root  /usr/share/licenses/virtssh",
      "-rw-r--r-- root:root l /usr/share/licenses/virtssh/LICENSE",
      "-rw-r--r-- root:root l /usr/share/licenses/virtssh/third-party-licences.txt",
      "-rw-r--r-- root:root d /usr/share/man/man1/virtssh.1.gz",
      "drwxr-xr-x root:root  /usr/share/zsh",
      "drwxr-xr-x root:root  /usr/share/zsh/site-functions",
      "-rw-r--r-- root:root  /usr/share/zsh/site-functions/_virtssh",
    ]);
  });

  test("requires an ssh that takes the drop-in, and the C library", () => {
    const lines = query(HOST, "--requires").trim().split("\n");
    const named = lines.map((line) => line.replace(/\(GLIBC_[0-9.]+\)/, "()"));
    expect([...new Set(named.filter((line) => !line.startsWith("rpmlib(")))]).toEqual([
      `config(virtssh) = ${VERSION}-1`,
      "libc.so.6()(64bit)",
      "libm.so.6()(64bit)",
      "openssh-clients >= 8.5",
      "rtld(GNU_HASH)",
    ]);
  });

  test("comes along with libvirt's QEMU driver, beside libvirt's own helper", () => {
    expect(query(HOST, "--supplements")).toBe("(libvirt-daemon-driver-qemu and openssh-clients)\n");
    expect(query(HOST, "--enhances")).toBe("libvirt-daemon-driver-qemu\n");
    expect(query(HOST, "--conflicts", "--obsoletes")).toBe("");
  });

  test("says what is linked in, as its licences do", () => {
    const licences = execFileSync(
      "sh",
      ["-c", 'rpm2cpio "$1" | cpio --quiet -i --to-stdout "*/third-party-licences.txt"', "-", findPackage(HOST)],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    );
    const named = [...licences.matchAll(/^=+\n(\S+) (\S+)$/gm)].map(([, name = "", version = ""]) =>
      name === "QuickJS"
        ? `bundled(quickjs) = ${version.replaceAll("-", ".")}`
        : `bundled(nodejs-${name}) = ${version.replaceAll("-", ".")}`,
    );
    const provided = query(HOST, "--provides").trim().split("\n");
    expect(named.length).toBeGreaterThan(3);
    expect(provided.filter((line) => line.startsWith("bundled("))).toEqual(named.sort());
  });

  test("runs no scripts", () => {
    expect(query(HOST, "--scripts", "--triggers")).toBe("");
  });
});

describe("virtssh-guest's RPM", () => {
  test("holds these files", () => {
    expect(listPlain(GUEST)).toEqual([
      "-rw-r--r-- root:root  /usr/lib/systemd/system-preset/80-virtssh-guest.preset",
      "-rw-r--r-- root:root  /usr/lib/systemd/system/sshd-vsock-keygen.service",
      "-rw-r--r-- root:root  /usr/lib/systemd/system/sshd-vsock.socket",
      "-rw-r--r-- root:root  /usr/lib/systemd/system/sshd-vsock@.service",
      "-rw-r--r-- root:root  /usr/lib/systemd/system/virtssh-vsock-forward.service",
      "drwxr-xr-x root:root  /usr/share/doc/virtssh-guest",
      "-rw-r--r-- root:root d /usr/share/doc/virtssh-guest/README.md",
      "-rw-r--r-- root:root d /usr/share/doc/virtssh-guest/cloud-init.yaml",
      "drwxr-xr-x root:root  /usr/share/doc/virtssh-guest/openrc",
      "-rw-r--r-- root:root d /usr/share/doc/virtssh-guest/openrc/virtssh-vsock-forward",
      "-rw-r--r-- root:root d /usr/share/doc/virtssh-guest/openrc/virtssh-vsock-forward.confd",
      "drwxr-xr-x root:root  /usr/share/licenses/virtssh-guest",
      "-rw-r--r-- root:root l /usr/share/licenses/virtssh-guest/LICENSE",
      "-rw-r--r-- root:root d /usr/share/man/man7/virtssh-guest.7.gz",
    ]);
  });

  test("requires sshd and systemd, and suggests what the forwarder runs", () => {
    const lines = query(GUEST, "--requires").trim().split("\n");
    const named = new Set(lines.filter((line) => !line.startsWith("rpmlib(")));
    expect([...named]).toEqual(["/bin/sh", "openssh-server", "systemd"]);
    expect(query(GUEST, "--suggests")).toBe("socat\n");
  });

  test("has scripts that a shell of POSIX takes", () => {
    for (const tag of ["POSTIN", "PREUN", "POSTUN"]) {
      const script = query(GUEST, "--queryformat", `%{${tag}}`);
      expect(script, tag).toContain("systemctl");
      expect(script, tag).not.toContain("%{");
      expect(spawnSync("dash", ["-n"], { input: script, encoding: "utf8" }).stderr).toBe("");
    }
  });
});

describe.each([
  ["host", HOST, "MIT AND Unicode-3.0"],
  ["guest", GUEST, "MIT"],
  ["source", SOURCE, "MIT AND Unicode-3.0"],
])("the %s RPM", (_, name, licence) => {
  test("is at most 1.5 MB", () => {
    expect(statSync(findPackage(name)).size).toBeLessThanOrEqual(MAX_BYTES);
  });

  test("has this version, which its changelog begins with, and says nothing of where it was built", () => {
    expect(query(name, "--queryformat", "%{VERSION} %{LICENSE} %{BUILDHOST} %{VENDOR} %{PACKAGER}")).toBe(
      `${VERSION} ${licence} localhost (none) (none)`,
    );
    expect(query(name, "--changelog")).toMatch(new RegExp(`^\\* .* - ${VERSION}-1\\n`));
    expect(readFileSync(findPackage(name)).includes(process.cwd())).toBe(false);
  });
});

test("the source RPM has the spec and the tarball, of root", () => {
  expect(listFiles(SOURCE)).toEqual([
    `-rw-r--r-- root:root  virtssh-${VERSION}.tar.xz`,
    "-rw-r--r-- root:root s virtssh.spec",
  ]);
});

/** The user and the group. */
const NOBODY = 65534;
const REBUILD_TIMEOUT_MS = 300_000;

test(
  "nobody builds the same files from the source RPM, without a network",
  () => {
    const work = mkdtempSync(join(tmpdir(), "virtssh-rebuild-"));
    try {
      const source = join(work, "virtssh.src.rpm");
      copyFileSync(findPackage(SOURCE), source);
      for (const path of [work, source]) chownSync(path, NOBODY, NOBODY);
      const alone = ["--net", "setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
      const rebuild = ["rpmbuild", "--rebuild", "--nodeps", "--define", `_topdir ${work}`, source];
      execFileSync("unshare", [...alone, "env", `HOME=${work}`, ...rebuild], { cwd: work, stdio: "pipe" });
      const digests = ["--queryformat", "[%{FILEMODES:perms} %{FILEDIGESTS} %{FILENAMES}\\n]"];
      for (const [arch, name] of [
        ["x86_64", HOST],
        ["noarch", GUEST],
      ] as const) {
        const [file = ""] = readdirSync(join(work, "RPMS", arch));
        const built = execFileSync("rpm", ["-qp", ...digests, join(work, "RPMS", arch, file)], { encoding: "utf8" });
        expect(built).toBe(query(name, ...digests));
      }
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
  REBUILD_TIMEOUT_MS,
);

test("rpmlint finds nothing in the spec and the RPMs that rpmlint.toml does not explain", () => {
  const paths = [SPEC, ...[HOST, GUEST, SOURCE].map(findPackage)];
  const run = spawnSync("rpmlint", ["--config", "packaging/rpm/rpmlint.toml", ...paths], { encoding: "utf8" });
  expect(run.stdout).toContain("3 packages and 1 specfiles checked; 0 errors, 0 warnings");
  expect(run.status).toBe(0);
});
