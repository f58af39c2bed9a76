// `npm run dist [-- --target TARGET]…`: build/dist/ with the source tarball, which can be built without a network and without Node.js,
// a tarball of the program for this machine and for each TARGET, and their checksums.
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { writeScripts } from "./bytecode.ts";
import { findEngineTarball, parseTarget, requireCompiler, type Target } from "./engine.ts";
import { requirePrograms } from "./host-packages.ts";
import { collectLicences, collectStaticLicences } from "./licences.ts";
import { writeManPages } from "./man/write-man-pages.ts";
import { findEpoch, isClone, readVersion, writeChecksums } from "./release.ts";
import { runCommand } from "./run-command.ts";

const DIST = "build/dist";

/** What a source tarball has that the repository has not. Packages are made from it, and so are the tarballs of programs. */
const GENERATED = "build/dist/generated";

const HOW = `Made by \`npm run dist\` out of the files beside this folder, so that virtssh can be built without Node.js and without a network:

js/, bytecode.h            helper/**/*.ts, and the npm packages that they import, by esbuild (packaging/bytecode.ts)
man/                       the man pages (packaging/man/)
third-party-licences.txt   of those npm packages and of the engine (packaging/licences.ts)
quickjs_*.orig.tar.xz      the engine as its authors have released it (packaging/engine.ts has its checksum)

To make them anew: npm run dist
To build with them: make -f packaging/Makefile
`;

/** What a source tarball has that is not its source, and what is made in it. */
const MADE = ["build", "generated", "node_modules"];

/** What git has or would add: what is ignored stays out. In a source tarball, all that came in it. */
function listSources(): readonly string[] {
  if (!isClone()) return [...listFiles(".")].sort();
  const listed = runCommand(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]).split("\0");
  return listed.filter((path) => path !== "" && existsSync(path)).sort();
}

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return MADE.includes(path) ? [] : listFiles(path);
    return [path];
  });
}

async function writeGenerated(version: string, epoch: string): Promise<void> {
  rmSync(GENERATED, { recursive: true, force: true });
  mkdirSync(join(GENERATED, "man"), { recursive: true });
  const packages = await writeScripts(GENERATED, { version });
  const tarball = findEngineTarball();
  const licences = collectLicences(packages, dirname(tarball));
  writeFileSync(join(GENERATED, "third-party-licences.txt"), licences);
  copyFileSync(tarball, join(GENERATED, tarball.slice(dirname(tarball).length + 1)));
  writeManPages(join(GENERATED, "man"), { version, date: new Date(Number(epoch) * 1000).toISOString().slice(0, 10) });
  writeFileSync(join(GENERATED, "README"), HOW);
}

/** `folder` is in DIST, and so is what comes out of it, FOLDER.tar.xz: the same bytes for the same content and epoch. */
function pack(folder: string, epoch: string): void {
  const same = ["--sort=name", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
  const modes = ["--mode=u+rw,go=rX,a-s"];
  runCommand(["tar", ...same, ...modes, "-cf", `${folder}.tar`, folder], { cwd: DIST });
  runCommand(["xz", "-9", "--threads=1", "--force", `${folder}.tar`], { cwd: DIST });
  rmSync(join(DIST, folder), { recursive: true });
}

function packSource(version: string, epoch: string): void {
  const folder = `virtssh-${version}`;
  for (const path of listSources()) {
    mkdirSync(join(DIST, folder, dirname(path)), { recursive: true });
    copyFileSync(path, join(DIST, folder, path));
  }
  cpSync(GENERATED, join(DIST, folder, "generated"), { recursive: true });
  pack(folder, epoch);
}

/** As `uname -m` says it. */
function machineOf(target: Target): string {
  return target === undefined ? runCommand(["uname", "-m"]).trim() : target.replace(/-.*/, "");
}

/** The statically linked program, with all that it is installed with. */
function packProgram(version: string, epoch: string, target: Target): void {
  const words = target === undefined ? [] : ["--target", target];
  runCommand([process.execPath, "packaging/run.mjs", "packaging/build.ts", ...words]);
  const folder = `virtssh-${version}-linux-${machineOf(target)}`;
  const into = (...path: string[]) => join(DIST, folder, ...path);
  for (const part of ["man", "completion", "licences", "schema"]) mkdirSync(into(part), { recursive: true });
  const copies: Readonly<Record<string, string>> = {
    virtssh: join("build", target ?? "", "virtssh"),
    "25-virtssh.conf": "ssh_config.d/25-virtssh.conf",
    "install.sh": "packaging/tarball/install.sh",
    "README.md": "README.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "licences/virtssh.txt": "LICENSE",
    "licences/third-party-licences.txt": join(GENERATED, "third-party-licences.txt"),
    "man/virtssh.1": join(GENERATED, "man/virtssh.1"),
    "man/virtssh-guest.7": join(GENERATED, "man/virtssh-guest.7"),
  };
  for (const [name, path] of Object.entries(copies)) copyFileSync(path, into(name));
  for (const part of ["completion", "schema"])
    for (const name of readdirSync(join("packaging", part)))
      copyFileSync(join("packaging", part, name), into(part, name));
  cpSync("guest", into("guest"), { recursive: true });
  writeFileSync(into("licences/static-libraries.txt"), collectStaticLicences(requireCompiler(target)));
  for (const name of ["virtssh", "install.sh"]) chmodSync(into(name), 0o755);
  pack(folder, epoch);
}

const { values } = parseArgs({ options: { target: { type: "string", multiple: true, default: [] } } });
const targets: readonly Target[] = [undefined, ...values.target.map(parseTarget)];
requirePrograms({ ...(isClone() ? { git: "git" } : {}), tar: "tar", xz: "xz-utils" });
rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST, { recursive: true });
const version = readVersion();
const epoch = findEpoch();
await writeGenerated(version, epoch);
packSource(version, epoch);
for (const target of targets) packProgram(version, epoch, target);
rmSync(GENERATED, { recursive: true });
writeChecksums(DIST);
