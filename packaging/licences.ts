// The licences of what is linked into the program, as they came with it.
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./run-command.ts";

const RULE = "=".repeat(100);

/** npm packages and the engine: what is in every build. `packages` are folders under node_modules, `engine` the engine's source. */
export function collectLicences(packages: readonly string[], engine: string): string {
  const parts = [describeEngine(engine), ...packages.map(describePackage)];
  return [
    "virtssh is linked with the following, each under the licence below it. virtssh itself is under the MIT License.\n",
    ...parts,
  ].join(`\n${RULE}\n`);
}

function describeEngine(folder: string): string {
  const version = readFileSync(join(folder, "VERSION"), "utf8").trim();
  const unicode = `Its tables of characters are made from the Unicode Character Database:\n\n${readUnicodeLicence()}`;
  return `QuickJS ${version}\n\n${readFileSync(join(folder, "LICENSE"), "utf8")}\n${unicode}`;
}

/** The engine's authors do not pass it on: Debian's copyright file of this project has it, with each line indented by one blank. */
function readUnicodeLicence(): string {
  const text = readFileSync("packaging/deb/debian/copyright", "utf8");
  const licence = /^License: Unicode-3\.0\n((?: .*\n)+)/m.exec(text)?.[1];
  if (licence === undefined) throw new Error("debian/copyright has no Unicode-3.0 licence in it");
  return `Copyright 1991-2024 Unicode, Inc.\n\n${licence.replace(/^ \.?/gm, "")}`;
}

/** Throws an Error for a package without a licence: such a one cannot be passed on. */
function describePackage(folder: string): string {
  const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, string>;
  const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)(?:\.|$)/i.test(entry));
  if (file === undefined) throw new Error(`${folder} has no licence in it`);
  return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8")}`;
}

/** What a statically linked program has in it, too: the libraries that `compiler` takes for these names. */
const STATIC_LIBRARIES = ["libc.a", "libgcc.a"];

/** Where Debian keeps the texts that its packages' copyright files only name. */
const COMMON_LICENCES = "/usr/share/common-licenses";

/** libc and the compiler's own library, from the copyright files of the Debian packages that they came in, by their names. */
export function collectStaticLicences(compiler: string): string {
  const packages = STATIC_LIBRARIES.map((library) => findDebianPackage(compiler, library));
  const texts = [...new Set(packages)].map((name) => ({ name, text: readFileSync(copyrightOf(name), "utf8") }));
  const named = texts.flatMap(
    ({ text }) => text.match(/(?<=\/usr\/share\/common-licenses\/)[A-Z]+-[0-9.]*[0-9]/g) ?? [],
  );
  const common = [...new Set(named)]
    .sort()
    .map((name) => ({ name, text: readFileSync(join(COMMON_LICENCES, name), "utf8") }));
  const parts = [...texts, ...common].map(({ name, text }) => `${name}\n\n${text}`);
  const intro =
    "This executable is statically linked, so that these are in it, too. virtssh's source tarball has all that it takes to link it\nwith others of them.\n";
  return [intro, ...parts].join(`\n${RULE}\n`);
}

function findDebianPackage(compiler: string, library: string): string {
  const path = realpathSync(runCommand([compiler, `-print-file-name=${library}`]).trim());
  const owner = /^([^:,]+)/.exec(runCommand(["dpkg", "--search", path]))?.[1];
  if (owner === undefined) throw new Error(`no Debian package has ${path}`);
  return owner;
}

function copyrightOf(name: string): string {
  const path = join("/usr/share/doc", name, "copyright");
  if (!existsSync(path)) throw new Error(`${name} has no copyright file`);
  return path;
}
