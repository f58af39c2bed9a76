// `npm run packages`: what `npm run dist` makes, and from its source tarball the packages for Debian and for RPM, in build/packages/.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildDeb } from "./deb/build-deb.ts";
import type { Job } from "./job.ts";
import { findEpoch, readVersion, writeChecksums } from "./release.ts";
import { buildRpm } from "./rpm/build-rpm.ts";
import { runCommand } from "./run-command.ts";

const OUT = resolve("build/packages");

function build(builder: (job: Job) => readonly string[], common: Omit<Job, "work">): void {
  const work = mkdtempSync(join(tmpdir(), "virtssh-packages-"));
  try {
    builder({ ...common, work });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

runCommand([process.execPath, "packaging/run.mjs", "packaging/dist.ts"]);
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const version = readVersion();
const tarball = resolve(`build/dist/virtssh-${version}.tar.xz`);
const common = { tarball, version, epoch: findEpoch(), out: OUT };
build(buildDeb, common);
build(buildRpm, common);
writeChecksums(OUT);
