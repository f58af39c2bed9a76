// The Debian packages as they are: what is in them, how the program in them was built, and what Debian's own checker says of them.
import { execFileSync } from "node:child_process";
import { chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { readVersion } from "../../packaging/release.ts";
import { findPackage, findSourceTarball } from "./built.ts";
import { DEB_CONTENTS } from "./deb-contents.ts";

const VERSION = readVersion();
const MAX_BYTES = 1_500_000;

/** nobody, who builds and checks. */
const NOBODY = 65_534;
const AS_NOBODY = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "env", "-i"];
const PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

/** Their paths, and a folder that each is unpacked into. */
const PACKAGES = {
  virtssh: /^virtssh_.*\.deb$/,
  "virtssh-guest": /^virtssh-guest_.*_all\.deb$/,
} as const;
type Name = keyof typeof PACKAGES;
const NAMES = Object.keys(PACKAGES) as Name[]; // as they are written above

/** Of Debian 13's: the first names the version of Debian's policy that 12 had, the second an override that 12's lintian needs. */
const OF_NEWER_LINTIANS = [
  /^I: virtssh source: out-of-date-standards-version 4\.6\.2 /,
  /: alien-tag package-supports-alternative-init-but-no-init\.d-script /,
];

let work = "";

function run(words: readonly string[], cwd?: string): string {
  const [program = "", ...args] = words;
  return execFileSync(program, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
    ...(cwd === undefined ? {} : { cwd }),
  });
}

const debOf = (name: Name) => findPackage(PACKAGES[name]);
const unpacked = (name: Name, ...path: string[]) => join(work, name, ...path);
const field = (name: Name, key: string) => run(["dpkg-deb", "--field", debOf(name), key]).trim();

/** A folder of nobody's under `work`. */
function makeFolder(name: string): string {
  const folder = join(work, name);
  mkdirSync(folder);
  chownSync(folder, NOBODY, NOBODY);
  return folder;
}

beforeAll(() => {
  requirePrograms({ lintian: "lintian", man: "man-db", shellcheck: "shellcheck", readelf: "binutils" });
  work = mkdtempSync(join(tmpdir(), "virtssh-deb-"));
  chownSync(work, NOBODY, NOBODY);
  for (const name of NAMES) {
    run(["dpkg-deb", "--extract", debOf(name), unpacked(name)]);
    run(["dpkg-deb", "--control", debOf(name), unpacked(name, "DEBIAN")]);
  }
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe.each(NAMES)("%s.deb", (name) => {
  test("has these files, all root's", () => {
    const lines = run(["dpkg-deb", "--contents", debOf(name)])
      .trim()
      .split("\n");
    const files = lines.map((line) => line.split(/ +/)).filter(([mode]) => !mode?.startsWith("d"));
    expect(files.map(([mode, owner, , , , path]) => [mode, owner, path?.slice(1)].join(" "))).toEqual(
      DEB_CONTENTS[name].map(
        (file) => `${file.startsWith("/usr/bin/") ? "-rwxr-xr-x" : "-rw-r--r--"} root/root ${file}`,
      ),
    );
    const folders = lines.filter((line) => line.startsWith("d"));
    expect(new Set(folders.map((line) => line.split(/ +/).slice(0, 2).join(" ")))).toEqual(
      new Set(["drwxr-xr-x root/root"]),
    );
  });

  test("has these as configuration", () => {
    const conffiles = readdirSync(unpacked(name, "DEBIAN")).includes("conffiles")
      ? readFileSync(unpacked(name, "DEBIAN/conffiles"), "utf8")
      : "";
    expect(conffiles.trim().split("\n").filter(Boolean)).toEqual(
      DEB_CONTENTS[name].filter((file) => file.startsWith("/etc/")),
    );
  });

  test("is small", () => expect(statSync(debOf(name)).size).toBeLessThan(MAX_BYTES));

  test("has the project's version", () => expect(field(name, "Version")).toBe(`${VERSION}-1`));

  test("has scripts that shellcheck finds nothing in", () => {
    const scripts = readdirSync(unpacked(name, "DEBIAN")).filter((file) => /^(?:pre|post)(?:inst|rm)$/.test(file));
    expect(scripts.length).toBeGreaterThan(0);
    expect(run(["shellcheck", ...scripts.map((file) => unpacked(name, "DEBIAN", file))])).toBe("");
  });

  test("has no time in anything that is compressed (gzip -n)", () => {
    const files = DEB_CONTENTS[name].filter((file) => file.endsWith(".gz"));
    // RFC 1952, section 2.3.1: flags (8 is a name), then four bytes of time.
    expect(files.map((file) => [...readFileSync(unpacked(name, file)).subarray(3, 8)])).toEqual(
      files.map(() => [0, 0, 0, 0, 0]),
    );
  });

  test("has a page that man shows without a word of complaint", () => {
    const page = DEB_CONTENTS[name].find((file) => file.startsWith("/usr/share/man/")) ?? "";
    const words = [
      "env",
      "MANROFFSEQ=",
      "MANWIDTH=80",
      "LC_ALL=C.UTF-8",
      "man",
      "--warnings",
      "-l",
      unpacked(name, page),
    ];
    expect(run(["sh", "-c", '"$@" 2>&1 >/dev/null', "sh", ...words])).toBe("");
    expect(run(words).split("\n")[0]).toMatch(name === "virtssh" ? /^VIRTSSH\(1\)/i : /^VIRTSSH-GUEST\(7\)/i);
  });

  test("has its licence", () =>
    expect(readFileSync(unpacked(name, `usr/share/doc/${name}/copyright`), "utf8")).toContain("\nLicense: Expat\n"));
});

describe("their fields", () => {
  test.each([
    ["virtssh", "Architecture", run(["dpkg", "--print-architecture"]).trim()],
    ["virtssh", "Depends", expect.stringMatching(/^openssh-client \(>= 1:8\.5\), libc6 \(>= 2\.\d+\)$/)],
    ["virtssh", "Suggests", "bash-completion, libvirt-daemon-system"],
    ["virtssh", "Enhances", "libvirt-clients, libvirt-daemon-system"],
    ["virtssh", "Conflicts", ""],
    ["virtssh", "Multi-Arch", "foreign"],
    ["virtssh-guest", "Architecture", "all"],
    ["virtssh-guest", "Depends", "openssh-server"],
    ["virtssh-guest", "Suggests", "socat"],
    ["virtssh-guest", "Conflicts", ""],
    ["virtssh-guest", "Multi-Arch", "foreign"],
  ] as const)("%s, %s", (name, key, value) => expect(field(name, key)).toEqual(value));
});

describe("the program in it", () => {
  const readelf = (...options: string[]) =>
    run(["readelf", "--wide", ...options, unpacked("virtssh", "usr/bin/virtssh")]);

  test("shares the system's C library, and nothing else", () => {
    const needed = [...readelf("--dynamic").matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, library]) => library);
    expect(needed.sort()).toEqual(["libc.so.6", "libm.so.6"]);
  });

  test.each([
    ["is position-independent", "--file-header", /Type: +DYN/],
    ["has its relocations read-only", "--program-headers", /GNU_RELRO/],
    ["has them done before it starts", "--dynamic", /BIND_NOW/],
    ["has a stack that is not executable", "--program-headers", /GNU_STACK .* RW /],
    ["guards its stack", "--dyn-syms", /__stack_chk_fail/],
    ["checks the sizes of buffers", "--dyn-syms", /__vsnprintf_chk/],
  ])("%s", (_, option, pattern) => expect(readelf(option)).toMatch(pattern));

  test("has its symbols in a package of their own", () => {
    const id = /Build ID: ([0-9a-f]+)/.exec(readelf("--notes"))?.[1] ?? "none";
    expect(readelf("--sections")).not.toContain(".debug_info");
    const symbols = findPackage(/^virtssh-dbgsym_.*\.d?deb$/);
    expect(run(["dpkg-deb", "--contents", symbols])).toContain(`/${id.slice(0, 2)}/${id.slice(2)}.debug\n`);
  });

  test("tells nobody where it was built", () => {
    const text = readFileSync(unpacked("virtssh", "usr/bin/virtssh"), "latin1");
    expect(/\/(?:tmp|work|home|root|build)\/[\w./-]*/.exec(text)?.[0]).toBeUndefined();
  });
});

describe("licences", () => {
  /** esbuild puts the path of each file before what it has taken from it. */
  const linked = () => {
    const scripts = run(["tar", "-xOJf", findSourceTarball(), "--wildcards", "*/generated/js/*.js"]);
    return [
      ...new Set([...scripts.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)].map(([, name = ""]) => name)),
    ];
  };
  const lock = () =>
    JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, { version: string }> };

  test("of every npm package that is linked in are in it, by name and version", () => {
    const text = readFileSync(unpacked("virtssh", "usr/share/doc/virtssh/third-party-licences.txt"), "utf8");
    const parts = text.split(/^=+$/m).map((part) => part.trim());
    const wanted = linked().map((name) => `${name} ${lock().packages[`node_modules/${name}`]?.version}`);
    expect(wanted.length).toBeGreaterThan(1);
    for (const start of [...wanted, "QuickJS "]) {
      const part = parts.find((text) => text.startsWith(start));
      expect(part, start).toMatch(/Copyright \(c\)[\s\S]*Permission is hereby granted/);
    }
  });

  test("of them are named in debian/copyright, each by who has the copyright", () => {
    const copyright = readFileSync("packaging/deb/debian/copyright", "utf8");
    for (const name of linked()) {
      const file = readdirSync(join("node_modules", name)).find((entry) => /^licen[cs]e/i.test(entry)) ?? "";
      const text = readFileSync(join("node_modules", name, file), "utf8");
      const holder = /Copyright \(c\) \d{4} (.*)/.exec(text)?.[1]?.trim();
      expect(copyright).toContain(holder);
      expect(copyright).toContain(name);
    }
  });
});

describe("the source package", () => {
  test("has the version of package.json in its changelog", () => {
    const changelog = readFileSync("packaging/deb/debian/changelog", "utf8");
    expect(changelog).toMatch(/^virtssh \(/);
    expect(changelog.split("\n")[0]).toContain(`virtssh (${VERSION}-1) `);
  });

  test("is made of the project's own tarball", () =>
    expect(readFileSync(findPackage(/\.orig\.tar\.xz$/)).equals(readFileSync(findSourceTarball()))).toBe(true));

  test("lists all that was made, and no record of the build, which is true of one alone", () => {
    const listed = run(["sed", "-n", "/^Files:/,$s/.* //p", findPackage(/\.changes$/)]);
    const made = [
      /^virtssh_.*\.deb$/,
      /guest.*\.deb$/,
      /dbgsym.*\.d?deb$/,
      /\.dsc$/,
      /\.debian\.tar\.xz$/,
      /\.orig\.tar\.xz$/,
    ];
    expect(listed.trim().split("\n").sort()).toEqual(made.map((pattern) => basename(findPackage(pattern))).sort());
  });

  test("has nothing in it, nor in what is made of it, that lintian would say a word about", () => {
    const folder = makeFolder("lintian");
    for (const name of readdirSync("build/packages").filter((file) =>
      /^virtssh.*[._](?:d?deb|dsc|xz|changes)$/.test(file),
    )) {
      cpSync(join("build/packages", name), join(folder, name));
    }
    const files = readdirSync(folder).filter((file) => /\.(?:d?deb|dsc|changes)$/.test(file));
    const words = ["lintian", "-EvIL", "+pedantic", "--profile", "debian", "--tag-display-limit", "0", ...files];
    const said = run([...AS_NOBODY, PATH, "LC_ALL=C.UTF-8", `HOME=${folder}`, `TMPDIR=${folder}`, ...words], folder);
    const lines = said.split("\n").filter((line) => /^[A-MO-Z]: /.test(line));
    expect(lines.filter((line) => !OF_NEWER_LINTIANS.some((pattern) => pattern.test(line)))).toEqual([]);
  });
});

describe("built anew from the source package, by nobody, without a network, with another umask, locale and time zone", () => {
  let folder = "";

  beforeAll(() => {
    folder = makeFolder("rebuilt");
    const source = resolve(findPackage(/\.dsc$/));
    const environment = [PATH, "LC_ALL=C", "TZ=Pacific/Chatham", "HOME=/nonexistent"];
    const alone = ["unshare", "--net", ...AS_NOBODY, ...environment];
    run([...alone, "dpkg-source", "--extract", source, "another-name"], folder);
    const build = "umask 027; cd another-name; exec dpkg-buildpackage --build=binary --unsigned-changes";
    run([...alone, "sh", "-c", build], folder);
  });

  test.each(NAMES)("%s.deb is the same, byte for byte", (name) => {
    const anew = readFileSync(join(folder, basename(debOf(name))));
    expect(anew.equals(readFileSync(debOf(name)))).toBe(true);
  });
});
