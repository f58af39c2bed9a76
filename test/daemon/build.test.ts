// What the build makes: one small, hardened file, statically linked or not, with the command line in it.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { requirePrograms } from "../../packaging/host-packages.ts";

/** The most that the executable may have. */
const MAX_BYTES = 3_000_000;

const readelf = (path: string) =>
  execFileSync("readelf", ["--file-header", "--program-headers", "--dynamic", "--wide", path], { encoding: "utf8" });

beforeAll(() => {
  requirePrograms({ readelf: "binutils" });
  execFileSync("node", ["packaging/run.mjs", "packaging/build.ts", "--dynamic"], { stdio: "pipe" });
});

describe.each([
  ["build/virtssh", /Type: +EXEC/],
  ["build/dynamic/virtssh", /Type: +DYN \(Position-Independent Executable file\)/],
])("%s", (path, type) => {
  test("has the type that it should", () => expect(readelf(path)).toMatch(type));

  test("is at most 3 MB", () => expect(statSync(path).size).toBeLessThanOrEqual(MAX_BYTES));

  test("has a stack that cannot be run, and relocations that cannot be written to", () => {
    expect(readelf(path)).toMatch(/GNU_STACK .* RW +0x/);
    expect(readelf(path)).toMatch(/GNU_RELRO/);
  });

  test("runs", () =>
    expect(execFileSync(path, ["--version"], { encoding: "utf8" })).toMatch(/^virtssh \d+\.\d+\.\d+\n$/));
});

test("build/virtssh needs no library and no loader", () => {
  expect(readelf("build/virtssh")).not.toMatch(/NEEDED|INTERP/);
});

test("build/dynamic/virtssh needs nothing but libc", () => {
  const needed = [...readelf("build/dynamic/virtssh").matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  expect(needed.filter((name) => !/^lib(c|m|pthread|dl)\.so/.test(name ?? ""))).toEqual([]);
});
