// The source tarball and its packaging/Makefile, beside what the packages show of them.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findEngine } from "../../packaging/engine.ts";
import { readVersion } from "../../packaging/release.ts";
import { findProgramTarball, findSourceTarball } from "./built.ts";

let work: string | undefined;
let folder = "";

beforeAll(() => {
  const tarball = resolve(findSourceTarball());
  mkdirSync("build/test", { recursive: true });
  work = mkdtempSync(resolve("build/test/a folder-"));
  execFileSync("tar", ["-xJf", tarball, "-C", work]);
  folder = join(work, `virtssh-${readVersion()}`);
});

afterAll(() => {
  if (work !== undefined) rmSync(work, { recursive: true, force: true });
});

const make = (words: readonly string[], path = "") =>
  spawnSync("make", ["-s", "-j8", "-f", "packaging/Makefile", ...words], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, PATH: `${path}:${process.env["PATH"]}` },
  });

test("make compiles in a folder whose name has a space, with an engine that is installed and a qjsc from PATH", () => {
  const engine = findEngine("pinned");
  const bin = join(folder, "../bin");
  mkdirSync(bin);
  symlinkSync(engine.compiler, join(bin, "qjsc"));
  const words = [`QUICKJS_INCLUDE=${engine.include}`, `QUICKJS_LIBS=${engine.library}`, "QJSC=qjsc"];
  expect(make(words, bin)).toMatchObject({ status: 0, stderr: "" });
  const said = execFileSync(join(folder, "build/make/virtssh"), ["--version"], { encoding: "utf8" });
  expect(said).toBe(`virtssh ${readVersion()}\n`);

  expect(make([...words, "install", "PREFIX=/usr/local", "DESTDIR=../root"], bin)).toMatchObject({ status: 0 });
  const dropIn = readFileSync(join(folder, "../root/etc/ssh/ssh_config.d/25-virtssh.conf"), "utf8");
  expect(dropIn.match(/\S+\/virtssh(?= )/g), "the drop-in runs what was installed").toEqual([
    "/usr/local/bin/virtssh",
    "/usr/local/bin/virtssh",
  ]);
});

test("make without generated/, as in a clone, says what to do", () => {
  const { status, stderr } = make(["GENERATED=nowhere"]);
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /: \*\*\* there is no nowhere\/bytecode\.h: take a source tarball, or make one with: npm run dist\. {2}Stop\.\n$/,
  );
});

test("npm run dist makes both tarballs anew out of it, the same, in somebody's repository and with flags in the environment", () => {
  execFileSync("cp", ["--archive", "--link", "node_modules", folder]);
  const env = { ...process.env, CFLAGS: "-nostdinc", CPPFLAGS: "-nostdinc", MAKEFLAGS: "--dry-run" };
  execFileSync("node", ["packaging/run.mjs", "packaging/dist.ts"], { cwd: folder, stdio: "pipe", env });
  const sum = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
  for (const path of [findSourceTarball(), findProgramTarball("x86_64")]) {
    expect(sum(join(folder, path)), path).toBe(sum(path));
  }
});
