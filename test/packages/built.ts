// What `npm run packages` has made.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readVersion } from "../../packaging/release.ts";

const DIST = "build/dist";
const PACKAGES = "build/packages";

/** The one package in build/packages/ whose name matches. Throws an Error where there is not one. */
export function findPackage(name: RegExp): string {
  return findOne(PACKAGES, name);
}

/** The source tarball. */
export function findSourceTarball(): string {
  return findOne(DIST, new RegExp(`^virtssh-${readVersion()}\\.tar\\.xz$`));
}

/** The tarball of the program for `machine`, as `uname -m` says it. */
export function findProgramTarball(machine: string): string {
  return findOne(DIST, new RegExp(`-linux-${machine}\\.tar\\.xz$`));
}

function findOne(folder: string, name: RegExp): string {
  const found = existsSync(folder) ? readdirSync(folder).filter((file) => name.test(file)) : [];
  const [file] = found;
  if (file === undefined || found.length > 1) {
    throw new Error(`${found.length} files in ${folder} match ${String(name)}: run "npm run packages" first`);
  }
  return join(folder, file);
}
