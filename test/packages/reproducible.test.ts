// Whoever builds this commit, wherever and whenever, gets the same bytes: all that `npm run packages` makes is made a second time, by
// another folder's name, with an engine of its own, another umask and group, time zone, locale and home, and compared.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findEpoch } from "../../packaging/release.ts";
import { findSourceTarball } from "./built.ts";

const SUMS = ["build/dist/SHA256SUMS", "build/packages/SHA256SUMS"];

/** Beside node_modules, whose files it links to: /tmp may be another file system. */
let work: string | undefined;
let copy = "";

beforeAll(() => {
  findSourceTarball();
  work = mkdtempSync(resolve("build/second-"));
  copy = join(work, "another-folder", "deeper");
  mkdirSync(copy, { recursive: true });
  chmodSync(copy, 0o2755); // as folders are that a group shares
  for (const name of readdirSync(".").filter((entry) => entry !== "build" && entry !== "node_modules")) {
    cpSync(name, join(copy, name), { recursive: true, verbatimSymlinks: true });
  }
  execFileSync("cp", ["--archive", "--link", "node_modules", copy]);
  const home = join(work, "home");
  mkdirSync(home);
  execFileSync("sh", ["-c", "umask 077; exec node packaging/run.mjs packaging/packages.ts"], {
    cwd: copy,
    stdio: "pipe",
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      XDG_CACHE_HOME: join(work, "cache"),
      SOURCE_DATE_EPOCH: findEpoch(),
      TZ: "Asia/Kathmandu",
      LC_ALL: "C",
      ...(process.env["VIRTSSH_DEBIAN_MIRROR"] === undefined
        ? {}
        : { VIRTSSH_DEBIAN_MIRROR: process.env["VIRTSSH_DEBIAN_MIRROR"] }),
    },
  });
});

afterAll(() => {
  if (work !== undefined) rmSync(work, { recursive: true, force: true });
});

test.each(SUMS.map((path) => [path]))("%s is the same the second time", (path) => {
  const read = (file: string) => readFileSync(file, "utf8").trim().split("\n");
  expect(read(join(copy, path))).toEqual(read(path));
  expect(read(path).length).toBeGreaterThan(1);
});
