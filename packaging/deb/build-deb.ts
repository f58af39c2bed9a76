// Makes the Debian packages from the source tarball, with Debian's own dpkg-buildpackage.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requirePrograms } from "../host-packages.ts";
import type { Job } from "../job.ts";
import { runCommand } from "../run-command.ts";

/**
 * What a .buildinfo file says, such as the time of the build and what is installed on this machine, is true of one build alone: it
 * is left out, of the list of what was made as well.
 */
const WITHOUT_BUILDINFO = "--hook-changes=sed -i '/\\.buildinfo /d' debian/files";

const RESULT = /\.(?:deb|ddeb|dsc|debian\.tar\.xz|orig\.tar\.xz|changes)$/;

/**
 * Leaves both packages, the source package and the list of changes in `job.out`, and returns their paths. Needs no root and no
 * network. The same tarball and epoch make the same bytes: the changelog gets that time, from which Debian's tools take theirs, so
 * that whoever builds the source package anew gets the same, too.
 */
export function buildDeb(job: Job): readonly string[] {
  requirePrograms({
    "dpkg-buildpackage": "dpkg-dev build-essential",
    gcc: "build-essential",
    make: "build-essential",
    dh: "debhelper",
    xz: "xz-utils",
  });
  const source = join(job.work, `virtssh-${job.version}`);
  mkdirSync(source, { recursive: true });
  copyFileSync(job.tarball, join(job.work, `virtssh_${job.version}.orig.tar.xz`));
  const unpack = ["tar", "-xf", job.tarball, "--strip-components=1", "--no-same-owner", "--no-same-permissions"];
  run(job, [...unpack, "-C", source]);
  run(job, ["cp", "-r", join(source, "packaging/deb/debian"), join(source, "debian")]);
  dateChangelog(join(source, "debian/changelog"), job.epoch);
  run(job, ["env", "-C", source, "dpkg-buildpackage", "--unsigned-source", "--unsigned-changes", WITHOUT_BUILDINFO]);
  const made = readdirSync(job.work).filter((name) => RESULT.test(name));
  mkdirSync(job.out, { recursive: true });
  return made.sort().map((name) => {
    copyFileSync(join(job.work, name), join(job.out, name));
    return join(job.out, name);
  });
}

/** Runs one program as every build does, whoever it is that builds. Throws as `runCommand` does. */
function run(job: Job, words: readonly string[]): void {
  const environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", `HOME=${job.work}`];
  runCommand(["env", "-i", ...environment, "sh", "-c", 'umask 022 && exec "$@"', "sh", ...words]);
}

/** deb-changelog(5): the last line of an entry, the newest of which comes first. */
function dateChangelog(path: string, epoch: string): void {
  const date = new Date(Number(epoch) * 1000).toUTCString().replace("GMT", "+0000");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(/^( -- .*> {2}).*$/m, `$1${date}`));
}
