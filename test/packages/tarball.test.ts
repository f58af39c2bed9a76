// The tarball of the program, and its install.sh, in the native lab: with the real ssh and a real libvirtd.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { readVersion } from "../../packaging/release.ts";
import { renderDomain } from "../lab/domains.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { findProgramTarball } from "./built.ts";

const VERSION = readVersion();
const FOLDER = `virtssh-${VERSION}-linux-x86_64`;
const DROP_IN = "/etc/ssh/ssh_config.d/25-virtssh.conf";

/** Our two lines of a failure, of the script's. */
const scriptFailure = (error: string, hint: string) =>
  failure(error, hint)
    .replaceAll("virtssh: error", "install.sh: error")
    .replaceAll("virtssh: hint", "install.sh: hint");

const INSTALL = `/lab/${FOLDER}/install.sh`;

/** What is on the system, but for what changes by itself. */
const LIST = `list() { find / -xdev \\( -path /proc -o -path /sys -o -path /tmp -o -path /lab -o -path /run -o -path /var \\) -prune -o -printf '%y %m %p\\n' | sort -k3; }`;

const OLD_SSH =
  "mkdir -p /tmp/old; printf '#!/bin/sh\\necho %s >&2\\n' \"$SAYS\" > /tmp/old/ssh; chmod +x /tmp/old/ssh";

const REFUSALS: readonly Fact[] = [
  {
    name: "an ssh that is too old is refused: it would fail for every host",
    run: `SAYS='OpenSSH_8.4p1 Debian-5+deb11u3, OpenSSL 1.1.1w'; ${OLD_SSH}; PATH=/tmp/old:$PATH ${INSTALL}`,
    exit: 1,
    stderr: scriptFailure(
      "ssh is OpenSSH 8.4, and KnownHostsCommand came with 8.5",
      "install OpenSSH's client, 8.5 or later",
    ),
  },
  {
    name: "one of two digits is not taken for an old one",
    run: `SAYS=OpenSSH_10.0p2; ${OLD_SSH}; PATH=/tmp/old:$PATH ${INSTALL} --prefix /tmp/ten | tail -n 1; ${INSTALL} --prefix /tmp/ten --uninstall`,
    stdout: `installed virtssh ${VERSION} into /tmp/ten\nremoved virtssh from /tmp/ten; users' pins of host keys are where they were\n`,
    stderr: /warning: ssh does not read/,
  },
  {
    name: "another ssh than OpenSSH's is refused",
    run: `SAYS='Dropbear v2024.86'; ${OLD_SSH}; PATH=/tmp/old:$PATH ${INSTALL}`,
    exit: 1,
    stderr: scriptFailure("ssh is not OpenSSH: Dropbear v2024.86", "install OpenSSH's client, 8.5 or later"),
  },
  {
    name: "without an ssh",
    run: `mkdir -p /tmp/none; for p in dirname id sed printf cat; do ln -sf "$(type -P $p)" /tmp/none/; done; PATH=/tmp/none /bin/sh ${INSTALL}`,
    exit: 1,
    stderr: scriptFailure("cannot run ssh", "install OpenSSH's client, 8.5 or later"),
  },
  {
    name: "a tarball for another machine is refused",
    run: `cp -r /lab/${FOLDER} /tmp/other; printf '\\177ELF' > /tmp/other/virtssh; /tmp/other/install.sh`,
    exit: 1,
    stderr: scriptFailure("this virtssh does not run on this machine (x86_64)", "take the tarball for x86_64"),
  },
  {
    name: "an ordinary user is told of virtssh setup",
    user: "alice",
    run: INSTALL,
    exit: 1,
    stderr: scriptFailure(
      "cannot write to /etc and /usr/local as alice",
      "run it as root; or, for yourself alone, put virtssh into a directory of your PATH and run: virtssh setup",
    ),
  },
  {
    name: "a prefix that is not a path from the root",
    run: `${INSTALL} --prefix opt`,
    exit: 1,
    stderr: scriptFailure('cannot install into "opt"', "name a directory that begins with /"),
  },
  {
    name: "a prefix that ssh would have to quote",
    run: `${INSTALL} --prefix '/opt/a b'`,
    exit: 1,
    stderr: scriptFailure(
      'cannot install into "/opt/a b"',
      "ssh would have to quote it: use letters, digits and /._+- alone",
    ),
  },
  {
    name: "another word",
    run: `${INSTALL} --frob`,
    exit: 2,
    stderr: "usage: install.sh [--prefix DIR] [--uninstall]\n",
  },
  { name: "its help", run: `${INSTALL} --help`, stdout: "usage: install.sh [--prefix DIR] [--uninstall]\n" },
  {
    name: "what is not installed cannot be removed",
    run: `${INSTALL} --uninstall`,
    exit: 1,
    stderr: scriptFailure("virtssh is not installed in /usr/local", "name the directory that it is in: --prefix DIR"),
  },
  {
    name: "a package's drop-in is not written over",
    run: `echo 'Host package' > ${DROP_IN}; ${INSTALL}; status=$?; cat ${DROP_IN}; rm ${DROP_IN}; exit $status`,
    exit: 1,
    stdout: "Host package\n",
    stderr: scriptFailure(
      `${DROP_IN} is there already, and not from /usr/local`,
      "remove the package, or the other prefix, that it belongs to",
    ),
  },
  {
    name: "none of these has left anything",
    run: `${LIST}; list | diff /tmp/before -`,
  },
];

const installed = (prefix: string): Fact[] => [
  {
    name: `installs into ${prefix}`,
    run: prefix === "/usr/local" ? INSTALL : `${INSTALL} --prefix ${prefix}`,
    stdout: `installed virtssh ${VERSION} into ${prefix}\n`,
  },
  {
    name: `${prefix}: ssh finds the domain by it, with no other step`,
    run: "ssh -o BatchMode=yes root@qemu/web true; ssh -G qemu/web | grep -E '^(proxycommand|knownhostscommand)' | cut -d' ' -f1-3",
    stdout: `knownhostscommand ${prefix}/bin/virtssh known-hosts\nproxycommand ${prefix}/bin/virtssh proxy\n`,
    stderr: /^virtssh: error: domain "web" has no vsock device\n/,
  },
  {
    name: `${prefix}: all files are there, for everybody`,
    run: `${LIST}; list | diff /tmp/before - | sed -n 's/^> f //p'`,
    stdout: [
      "644 /etc/bash_completion.d/virtssh",
      `644 ${DROP_IN}`,
      `755 ${prefix}/bin/virtssh`,
      ...["CHANGELOG.md", "README.md", "licences/static-libraries.txt", "licences/third-party-licences.txt"].map(
        (name) => `644 ${prefix}/share/doc/virtssh/${name}`,
      ),
      `644 ${prefix}/share/doc/virtssh/licences/virtssh.txt`,
      `644 ${prefix}/share/doc/virtssh/virtssh-keys.schema.json`,
      `644 ${prefix}/share/doc/virtssh/virtssh-list.schema.json`,
      `644 ${prefix}/share/fish/vendor_conf.d/virtssh.fish`,
      `644 ${prefix}/share/man/man1/virtssh.1`,
      `644 ${prefix}/share/man/man7/virtssh-guest.7`,
      `644 ${prefix}/share/virtssh/25-virtssh.conf`,
      `644 ${prefix}/share/virtssh/directories`,
      `644 ${prefix}/share/zsh/site-functions/_virtssh`,
      "",
    ].join("\n"),
  },
  {
    name: `${prefix}: again, while the program runs`,
    run: `mkfifo /tmp/hold; ${prefix}/bin/virtssh proxy vsock/3 < /tmp/hold > /dev/null 2>&1 & exec 5> /tmp/hold; ${INSTALL} --prefix ${prefix}; exec 5>&-; rm /tmp/hold`,
    stdout: `installed virtssh ${VERSION} into ${prefix}\n`,
  },
  {
    name: `${prefix}: an administrator's change is kept at the next install`,
    run: `echo '# mine' >> ${DROP_IN}; ${INSTALL} --prefix ${prefix}; tail -n 1 ${DROP_IN}; grep -c mine ${DROP_IN}.new`,
    exit: 1,
    stdout: `kept ${DROP_IN}, which was changed; the new one is ${DROP_IN}.new\ninstalled virtssh ${VERSION} into ${prefix}\n# mine\n0\n`,
  },
  {
    name: `${prefix}: and when it is removed`,
    run: `${INSTALL} --prefix ${prefix} --uninstall; tail -n 1 ${DROP_IN}.saved; rm ${DROP_IN}.saved; ls /etc/ssh/ssh_config.d | grep virtssh`,
    exit: 1,
    stdout: `kept ${DROP_IN}, which was changed, as ${DROP_IN}.saved\nremoved virtssh from ${prefix}; users' pins of host keys are where they were\n# mine\n`,
  },
  {
    name: `${prefix}: nothing is left`,
    run: `${LIST}; list | diff /tmp/before -`,
  },
];

const FACTS: readonly Fact[] = [
  {
    name: "the tarball is unpacked, and a domain runs",
    run: `tar -xJf /lab/virtssh.tar.xz -C /lab && virsh -q define /etc/lab/web.xml && virsh -q start web; mkdir -p /etc/bash_completion.d /opt; ${LIST}; list > /tmp/before`,
  },
  ...REFUSALS,
  ...installed("/usr/local"),
  ...installed("/opt/virtssh"),
  {
    name: "a package that took the drop-in over keeps what it has in /etc",
    run: `${INSTALL} > /dev/null; sed -i s,/usr/local/bin,/usr/bin, ${DROP_IN}; echo package > /etc/bash_completion.d/virtssh
      ${INSTALL} --uninstall; grep -c ' /usr/bin/virtssh ' ${DROP_IN}; cat /etc/bash_completion.d/virtssh
      rm ${DROP_IN} /etc/bash_completion.d/virtssh; ${LIST}; list | diff /tmp/before -`,
    stdout: `left ${DROP_IN} and /etc/bash_completion.d/virtssh to the other virtssh, which they belong to now\nremoved virtssh from /usr/local; users' pins of host keys are where they were\n2\npackage\n`,
  },
  {
    name: "a drop-in of which everything is a comment is an administrator's",
    run: `${INSTALL} > /dev/null; sed -i 's/^/# /' ${DROP_IN}; ${INSTALL} --uninstall | head -n 1; rm ${DROP_IN}.saved`,
    stdout: `kept ${DROP_IN}, which was changed, as ${DROP_IN}.saved\n`,
  },
  {
    name: "an older version's drop-in that nobody has changed is replaced",
    run: `${INSTALL} > /dev/null; echo '# older' | tee -a ${DROP_IN} >> /usr/local/share/virtssh/25-virtssh.conf
      ${INSTALL}; grep -c older ${DROP_IN}; ls ${DROP_IN}*; ${INSTALL} --uninstall > /dev/null`,
    stdout: `installed virtssh ${VERSION} into /usr/local\n0\n${DROP_IN}\n`,
  },
  {
    name: "busybox's shell and a strict umask do as well, and where there is no cmp",
    run: `mkdir /tmp/box; for p in id sed cat mktemp rm cp chmod mv mkdir dirname uname grep rmdir; do ln -s /usr/bin/busybox /tmp/box/$p; done; ln -s "$(type -P ssh)" /tmp/box/
      umask 077; (cd /lab; PATH=/tmp/box CDPATH=/lab /usr/bin/busybox sh ${FOLDER}/install.sh) && find /usr/local/share/virtssh -printf '%m %f\\n' | sort
      PATH=/tmp/box /usr/bin/busybox sh ${INSTALL} --uninstall; ${LIST}; list | diff /tmp/before -`,
    stdout: `installed virtssh ${VERSION} into /usr/local\n644 25-virtssh.conf\n644 directories\n755 virtssh\nremoved virtssh from /usr/local; users' pins of host keys are where they were\n`,
  },
  {
    name: "a full disk ends it with cp's words, and leaves no half file",
    run: `mkdir /opt/full; mount -t tmpfs -o size=64k tmpfs /opt/full; ${INSTALL} --prefix /opt/full 2>&1 | sed 's/.*: //'; find /opt/full -type f; umount /opt/full; rmdir /opt/full; ${LIST}; list | diff /tmp/before -`,
    stdout: "No space left on device\n",
  },
  {
    name: "where programs may not be run",
    run: `mkdir /tmp/noexec; mount -t tmpfs -o noexec tmpfs /tmp/noexec; cp -r /lab/${FOLDER}/. /tmp/noexec; sh /tmp/noexec/install.sh; status=$?; umount /tmp/noexec; exit $status`,
    exit: 1,
    stderr: scriptFailure(
      "cannot run /tmp/noexec/virtssh",
      "unpack the tarball where programs may be run: findmnt -T '/tmp/noexec'",
    ),
  },
  { name: "nothing is left in /tmp", run: "find /tmp -maxdepth 1 -name 'tmp.*'" },
  {
    name: "where ssh does not read the drop-in, that is said",
    run: `cp /etc/ssh/ssh_config /tmp/; sed -i /^Include/d /etc/ssh/ssh_config; ${INSTALL}; ${INSTALL} --uninstall > /dev/null; mv /tmp/ssh_config /etc/ssh/`,
    stdout: `installed virtssh ${VERSION} into /usr/local\n`,
    stderr: `install.sh: warning: ssh does not read ${DROP_IN}\ninstall.sh: hint: put this line at the top of /etc/ssh/ssh_config: Include /etc/ssh/ssh_config.d/*.conf\n`,
  },
];

describe("the tarball of the program", () => {
  test("has its checksum beside it", () => {
    const said = execFileSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], {
      cwd: "build/dist",
      encoding: "utf8",
    });
    expect(said).toContain(`${basename(findProgramTarball("x86_64"))}: OK\n`);
  });

  test("belongs to root, and has one time", () => {
    const said = execFileSync("tar", ["-tvJf", findProgramTarball("x86_64"), "--numeric-owner", "--full-time"], {
      encoding: "utf8",
    });
    const lines = said.trim().split("\n");
    expect(new Set(lines.map((line) => line.split(/ +/)[1]))).toEqual(new Set(["0/0"]));
    expect(new Set(lines.map((line) => line.split(/ +/).slice(3, 5).join(" "))).size).toBe(1);
    expect(new Set(lines.map((line) => line.slice(0, 10)))).toEqual(
      new Set(["drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"]),
    );
  });

  const read = (name: string) =>
    execFileSync("tar", ["-xOJf", findProgramTarball("x86_64"), `${FOLDER}/${name}`], { encoding: "utf8" });

  test.each([["QuickJS 2025-04-26"], ["@noble/hashes 2.4.0"], ["commander 15.1.0"], ["ssh-config 5.3.0"]])(
    "has the licence of %s, which is in the program",
    (name) => {
      const parts = read("licences/third-party-licences.txt").split(/^=+$/m);
      expect(
        parts.filter((part) => part.trim().startsWith(name)).map((part) => /Permission is hereby granted/.test(part)),
      ).toEqual([true]);
    },
  );

  test("has Unicode's licence, too, for the engine's tables", () => {
    const [, engine = ""] = read("licences/third-party-licences.txt").split(/^=+$/m);
    expect(engine).toMatch(/^NOTICE TO USER: Carefully read[\s\S]*\n\nExcept as contained in this notice/m);
  });

  test("has the licences of the C library and of the compiler's, which are in the program, too", () => {
    const parts = read("licences/static-libraries.txt")
      .split(/^=+$/m)
      .map((part) => part.trim());
    for (const start of [/^libc6-dev\n/, /^libgcc-\d+-dev\n/, /^GPL-3\n/, /^LGPL-2\.1\n/]) {
      expect(parts.filter((part) => start.test(part))).toHaveLength(1);
    }
  });

  test("has the guide and the files for guests", () =>
    expect(read("guest/README.md")).toBe(readFileSync("guest/README.md", "utf8")));

  testFacts(FACTS, (steps) =>
    runNative({
      steps,
      files: { "/lab/virtssh.tar.xz": findProgramTarball("x86_64") },
      texts: { "/etc/lab/web.xml": renderDomain({ name: "web", vsock: "none", boots: "nothing" }) },
    }),
  );
});

describe("install.sh", () => {
  beforeAll(() => requirePrograms({ shellcheck: "shellcheck" }));

  test("is clean under shellcheck", () =>
    expect(execFileSync("shellcheck", ["packaging/tarball/install.sh"], { encoding: "utf8" })).toBe(""));
});
