// Builds virtssh.spec with the rpmbuild of this machine, whatever that is, and leaves nothing outside the job's folders.
import { chmodSync, copyFileSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { requirePrograms } from "../host-packages.ts";
import type { Job } from "../job.ts";
import { runCommand } from "../run-command.ts";

/** Returns the paths of the packages, that of the source among them, in `job.out`. Throws an Error with rpmbuild's output. */
export function buildRpm(job: Job): readonly string[] {
  requirePrograms({ rpmbuild: "rpm", gcc: "gcc libc6-dev", make: "make", xz: "xz-utils", awk: "mawk" });
  runRpmbuild(job, ["-ba", writeSources(job).name]);
  const packages = ["SRPMS", ...readdirSync(join(job.work, "RPMS")).map((arch) => join("RPMS", arch))];
  return packages.flatMap((folder) => keepPackages(join(job.work, folder), job.out)).sort();
}

/** Under this path rpmbuild and its children have the job's folder, as their descriptor 9. */
const TOP = "/proc/self/fd/9";

/** Runs rpmbuild on what is in `work`, where all that it writes goes. `extra` are variables of its environment, as NAME=VALUE. */
export function runRpmbuild(
  { work, epoch }: Pick<Job, "work" | "epoch">,
  words: readonly string[],
  extra: readonly string[] = [],
): void {
  mkdirSync(join(work, "tmp"), { recursive: true });
  const macros: Readonly<Record<string, string>> = {
    // The spec goes into the source package with its macros replaced, and so with the paths of these folders: hence TOP.
    _topdir: TOP,
    _tmppath: `${TOP}/tmp`,
    _dbpath: `${TOP}/db`,
    // The same bytes whoever builds it, and wherever and whenever.
    _buildhost: "localhost",
    _srcdefattr: "(-,root,root)",
    use_source_date_epoch_as_buildtime: "1",
    clamp_mtime_to_source_date_epoch: "1",
  };
  const defines = Object.entries(macros).flatMap(([name, value]) => ["--define", `${name} ${value}`]);
  // Neither this user's macros nor this user's language.
  const variables = [`PATH=${process.env["PATH"] ?? "/usr/bin:/bin"}`, `HOME=${TOP}`, "LC_ALL=C.UTF-8", "TZ=UTC"];
  // What is installed here may be in another database than rpm's: the programs themselves have been asked for.
  const rpmbuild = ["rpmbuild", "--nodeps", ...defines, ...words];
  const command = ["env", "-i", ...variables, ...extra, `SOURCE_DATE_EPOCH=${epoch}`, ...rpmbuild];
  runCommand(["sh", "-c", 'exec 9< . && exec "$@"', "-", ...command], { cwd: work });
}

/** A spec in a job's folder. */
interface Spec {
  /** As seen from that folder. */
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

/** Puts the tarball, and the spec that is in it, where rpmbuild looks for them. */
export function writeSources({ tarball, version, epoch, work }: Job): Spec {
  const name = "SPECS/virtssh.spec";
  const path = join(work, name);
  const source = join(work, "SOURCES", basename(tarball));
  for (const folder of ["SOURCES", "SPECS"]) mkdirSync(join(work, folder), { recursive: true });
  copyFileSync(tarball, source);
  const text = runCommand(["tar", "-xOf", tarball, `virtssh-${version}/packaging/rpm/virtssh.spec`]);
  writeFileSync(path, text);
  for (const written of [source, path]) {
    chmodSync(written, 0o644);
    utimesSync(written, Number(epoch), Number(epoch));
  }
  return { name, path, text };
}

function keepPackages(folder: string, out: string): readonly string[] {
  return readdirSync(folder).map((name) => {
    copyFileSync(join(folder, name), join(out, name));
    return join(out, name);
  });
}
