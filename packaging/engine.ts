// Owns the JavaScript engine that the binary is linked with: fetches its source, builds it once, and says where it is.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory, cacheKey } from "./cache.ts";
import { requirePrograms } from "./host-packages.ts";
import { findDebianMirror } from "./mirror.ts";
import { runCommand } from "./run-command.ts";

/** What a build needs of an engine. */
export interface Engine {
  /** Holds quickjs.h. */
  readonly include: string;
  readonly library: string;
  /** The compiler from JavaScript to the bytecode of just this engine. */
  readonly compiler: string;
}

/** QuickJS as Debian 13 has it, its upstream tarball as it is. */
const VERSION = "2025.04.26";
const TARBALL = `quickjs_${VERSION}.orig.tar.xz`;
const SHA256 = "ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe";
const SUITE = "trixie";

const LIBRARY_SOURCES = ["quickjs", "libregexp", "libunicode", "cutils", "dtoa"];
const COMPILER_SOURCES = ["qjsc", "quickjs-libc"];
const FLAGS = [
  ...["-O2", "-fwrapv", "-ffunction-sections", "-fdata-sections", "-fPIE"],
  ...["-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-D_GNU_SOURCE"],
  ...['-DCONFIG_VERSION="2025-04-26"', '-DCONFIG_CC="gcc"', '-DCONFIG_PREFIX="/usr/local"'],
];

/**
 * The engine that `choice` names: `pinned` is the one above, `system` is Debian's libquickjs and qjsc, anything else is a folder
 * with quickjs.h, libquickjs.a and qjsc, such as a build of quickjs-ng. Throws an Error that says what is missing.
 */
export function findEngine(choice: string): Engine {
  if (choice === "pinned") return ensurePinned();
  return choice === "system" ? findSystem() : findIn(choice);
}

function findSystem(): Engine {
  requirePrograms({ qjsc: "quickjs libquickjs" });
  const triplet = runCommand(["gcc", "-print-multiarch"]).trim();
  const libraries = [
    `/usr/lib/${triplet}/quickjs/libquickjs.a`,
    "/usr/lib/quickjs/libquickjs.a",
    "/usr/lib64/quickjs/libquickjs.a",
  ];
  const library = libraries.find((path) => existsSync(path));
  if (library === undefined) throw new Error(`no libquickjs.a in any of ${libraries.join(", ")}`);
  return { include: "/usr/include/quickjs", library, compiler: "qjsc" };
}

function findIn(folder: string): Engine {
  const engine = { include: folder, library: join(folder, "libquickjs.a"), compiler: join(folder, "qjsc") };
  for (const path of [join(folder, "quickjs.h"), engine.library, engine.compiler]) {
    if (!existsSync(path)) throw new Error(`the engine in ${folder} has no ${path}`);
  }
  return engine;
}

/** Built once for this machine: the folder is renamed into place when it is whole, so it is there whole or not at all. */
function ensurePinned(): Engine {
  requirePrograms({ gcc: "gcc libc6-dev", ar: "binutils", xz: "xz-utils" });
  const folder = join(
    cacheDirectory(),
    `engine-${cacheKey([], [SHA256, ...FLAGS, runCommand(["gcc", "-v", "--version"])])}`,
  );
  if (!existsSync(folder)) {
    process.stderr.write(`building the engine, QuickJS ${VERSION}, once … `);
    const begin = performance.now();
    makePinned(folder);
    process.stderr.write(`${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
  }
  return findIn(folder);
}

function makePinned(folder: string): void {
  mkdirSync(cacheDirectory(), { recursive: true });
  const work = mkdtempSync(`${folder}.`);
  try {
    fetchSource(work);
    compileEngine(work);
    if (!existsSync(folder)) renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Through apt, with a source list of its own made from the machine's own mirror: nothing of the system's apt is changed. */
function fetchSource(work: string): void {
  const apt = join(work, "apt");
  for (const folder of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(apt, folder), { recursive: true });
  writeFileSync(
    join(apt, "engine.sources"),
    `Types: deb-src\nURIs: ${findDebianMirror()}\nSuites: ${SUITE}\nComponents: main\nTrusted: yes\n`,
  );
  const options = [
    `-oDir::Etc::sourcelist=${join(apt, "engine.sources")}`,
    "-oDir::Etc::sourceparts=/dev/null",
    `-oDir::State::lists=${join(apt, "lists")}`,
    `-oDir::Cache=${join(apt, "cache")}`,
    "-oAPT::Sandbox::User=root", // apt's own user may not write here
  ];
  runCommand(["apt-get", ...options, "-q", "update"]);
  runCommand(["apt-get", ...options, "-q", "source", "--download-only", `quickjs`], { cwd: work });
  const tarball = join(work, TARBALL);
  if (!existsSync(tarball)) throw new Error(`${SUITE} has another version of quickjs now: ${TARBALL} is not to be had`);
  // The signature of the package's index is not asked for: this is the check that counts.
  const found = createHash("sha256").update(readFileSync(tarball)).digest("hex");
  if (found !== SHA256) throw new Error(`${TARBALL} has the SHA-256 ${found}, not ${SHA256}`);
  rmSync(apt, { recursive: true });
  runCommand(["tar", "-xf", tarball, "--strip-components=1"], { cwd: work });
}

function compileEngine(work: string): void {
  for (const source of [...LIBRARY_SOURCES, ...COMPILER_SOURCES]) {
    runCommand(["gcc", ...FLAGS, "-c", `${source}.c`, "-o", `${source}.o`], { cwd: work });
  }
  const objects = (sources: readonly string[]) => sources.map((source) => `${source}.o`);
  runCommand(["ar", "rcsD", "libquickjs.a", ...objects(LIBRARY_SOURCES)], { cwd: work });
  const compiler = ["gcc", "-o", "qjsc", ...objects(COMPILER_SOURCES), "libquickjs.a", "-lm", "-lpthread", "-ldl"];
  runCommand(compiler, { cwd: work });
}
