// Owns the JavaScript engine that the binary is linked with: fetches its source, builds it once, and says where it is.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { cacheDirectory, cacheKey } from "./cache.ts";
import { requirePrograms } from "./host-packages.ts";
import { findDebianMirror } from "./mirror.ts";
import { runCommand } from "./run-command.ts";
import { runMake } from "./run-make.ts";

/** What a build needs of an engine. */
export interface Engine {
  /** Holds quickjs.h. */
  readonly include: string;
  readonly library: string;
  /** The compiler from JavaScript to the bytecode of just this engine. */
  readonly compiler: string;
  /** What runs it, where it is not this machine's. */
  readonly emulator?: string;
}

/** What is compiled for, as Debian names its cross compilers; undefined is this machine. */
export type Target = "aarch64-linux-gnu" | "s390x-linux-gnu" | undefined;

/** Throws an Error for what cannot be compiled for. */
export function parseTarget(text: string | undefined): Target {
  if (text === undefined || text === "aarch64-linux-gnu" || text === "s390x-linux-gnu") return text;
  throw new Error(`cannot compile for ${text}: only for aarch64-linux-gnu and s390x-linux-gnu`);
}

/** QuickJS as Debian 13 has it, its upstream tarball as it is. */
const VERSION = "2025.04.26";
const TARBALL = `quickjs_${VERSION}.orig.tar.xz`;
const SHA256 = "ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe";
const SUITE = "trixie";

const MAKEFILE = "packaging/engine.mk";

/**
 * The engine that `choice` names: `pinned` is the one above, `system` is Debian's libquickjs and qjsc, anything else is a folder
 * with quickjs.h, libquickjs.a and qjsc, such as a build of quickjs-ng. Throws an Error that says what is missing.
 */
export function findEngine(choice: string, target?: Target): Engine {
  if (choice === "pinned") return ensurePinned(target);
  if (target !== undefined) throw new Error(`only the pinned engine can be compiled for ${target}`);
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

/** The engine's source as its authors have released it, for those who have to build without a network. */
export function findEngineTarball(): string {
  return join(ensurePinned(undefined).include, TARBALL);
}

/** The compiler's name, which is on this machine when this returns. */
export function requireCompiler(target: Target): string {
  if (target === undefined) {
    requirePrograms({ gcc: "gcc libc6-dev", ar: "binutils", make: "make", xz: "xz-utils" });
    return "gcc";
  }
  const compiler = `${target}-gcc`;
  requirePrograms({ [compiler]: `gcc-${target} libc6-dev-${ARCHITECTURES[target]}-cross` });
  return compiler;
}

/** As Debian calls them. */
const ARCHITECTURES = { "aarch64-linux-gnu": "arm64", "s390x-linux-gnu": "s390x" } as const;

/** Built once for each target: the folder is renamed into place when it is whole, so it is there whole or not at all. */
function ensurePinned(target: Target): Engine {
  const native = ensureBuilt(undefined, (work) => {
    fetchSource(work);
    compileEngine(work, { CC: "gcc", QUICKJS: "." });
  });
  if (target === undefined) return engineIn(native, native);
  const compiled = ensureBuilt(target, (work) => {
    compileEngine(work, {
      CC: requireCompiler(target),
      AR: `${target}-ar`,
      QUICKJS: relative(work, native),
      QJSC_LDFLAGS: "-static",
    });
  });
  if (target !== "s390x-linux-gnu")
    return { ...engineIn(native, compiled), compiler: engineIn(native, native).compiler };
  // The other byte order: packaging/engine.mk says why it takes a compiler of its own.
  requirePrograms({ "qemu-s390x-static": "qemu-user-static" });
  return { ...engineIn(native, compiled), emulator: "qemu-s390x-static" };
}

function engineIn(source: string, compiled: string): Engine {
  return { include: source, library: join(compiled, "engine/libquickjs.a"), compiler: join(compiled, "engine/qjsc") };
}

function ensureBuilt(target: Target, make: (work: string) => void): string {
  const compiler = requireCompiler(target);
  const key = cacheKey([MAKEFILE], [SHA256, runCommand([compiler, "-v", "--version"])]);
  const folder = join(cacheDirectory(), `engine-${key}`);
  if (existsSync(folder)) return folder;
  process.stderr.write(
    `building the engine, QuickJS ${VERSION}, once${target === undefined ? "" : ` for ${target}`} … `,
  );
  const begin = performance.now();
  mkdirSync(cacheDirectory(), { recursive: true });
  const work = mkdtempSync(`${folder}.`);
  try {
    make(work);
    if (!existsSync(folder)) renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  process.stderr.write(`${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
  return folder;
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

function compileEngine(work: string, variables: Readonly<Record<string, string>>): void {
  runMake([`-j${availableParallelism()}`, "-f", resolve(MAKEFILE), "engine"], { BUILD: ".", ...variables }, work);
}
