// The steps by which `virtssh keys cloud-init` makes an image, beside what ../../daemon/seed.test.ts shows of it.

import { describe, expect, test } from "vitest";
import { explain } from "../../../helper/explain.ts";
import { ETIMEDOUT } from "../../../helper/sys/errno.ts";
import { SystemError } from "../../../helper/sys/system.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { runWords } from "./run.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILs7kCfk7ujV+8PM918VArg8HjhER5O1Zx1HAoHaSUsC";
const SHOWN = "256 SHA256:ixLiFDvHieyF8lrJk84M9IkP3jKihxsnaD8oB5n4NwY lab (ED25519)";
const META = `instance-id: "virtssh"\npublic-keys:\n  - "${KEY} lab"\n`;

/** The start of an image with that label. */
const makeImage = (label: string) => `${"\0".repeat(32_768)}\u0001CD001\u0001\0${" ".repeat(32)}${label.padEnd(32)}`;
const IMAGE = makeImage("CIDATA");

interface Setting {
  readonly files?: Readonly<Record<string, FakeFile>>;
  readonly fileErrnos?: Readonly<Record<string, number>>;
  readonly programs?: readonly string[];
  /** What the program leaves, its exit status, and what it says. */
  readonly image?: string;
  readonly status?: number;
  readonly output?: string;
}

function start({ files, fileErrnos, programs = ["genisoimage"], image = IMAGE, status = 0, output = "" }: Setting) {
  const run = (args: readonly string[]) => {
    const draft = args[args.indexOf("-o") + 1] ?? "";
    sys.files[draft] = { text: image, mode: 0o100644, uid: 1000, gid: 1000 };
    return { status, output };
  };
  const sys = new FakeSystem({
    files: {
      "/key.pub": { text: `${KEY} lab\n` },
      ...files,
    },
    captures: Object.fromEntries(programs.map((program) => [program, run])),
    ...(fileErrnos === undefined ? {} : { fileErrnos }),
  });
  const make = (...words: readonly string[]) => {
    runWords(["keys", "cloud-init", ...words], sys);
    return sys.written(1);
  };
  return { sys, make };
}

const listFiles = ({ files }: FakeSystem) => Object.keys(files).filter((path) => path.startsWith("/out/"));

describe("meta-data", () => {
  test("has the lines of all files, each key once, as it stood first: sshd takes that line", () => {
    const { make } = start({ files: { "/other.pub": { text: `no-pty ${KEY} other\n` } } });
    expect(make("/key.pub", "/other.pub")).toBe(META);
  });

  test.each([
    ["a quote and a backslash", 'a"\\', '"a\\"\\\\"'],
    ["letters beyond ASCII", "é\u3000ü", '"\\u00e9\\u3000\\u00fc"'],
    ["letters beyond 16 bits, which YAML does not know in halves", "🐟", '"\\U0001f41f"'],
    ["what YAML has a meaning for", "- {a: b} # !!x", '"- {a: b} # !!x"'],
  ])("quotes %s", (_, comment, quoted) => {
    const { make } = start({ files: { "/odd.pub": { text: `${KEY} ${comment}\n` } } });
    expect(make("/odd.pub")).toContain(` ${quoted.slice(1)}\n`);
  });

  test.each(["", ".", "-a", "a/b", "a b", "a".repeat(65)])("%j is no instance-id", (id) => {
    const { make } = start({});
    expect(failureOf(() => make("/key.pub", `--instance-id=${id}`))).toMatchObject({ kind: "bad-usage", word: id });
  });
});

describe("an image", () => {
  test("is made beside its place, and moved there when it is whole", () => {
    const { sys, make } = start({});
    expect(make("--iso", "/out/seed.iso", "/key.pub")).toBe(
      `made the seed image /out/seed.iso\n${SHOWN}\ngive it to a guest with: virsh attach-disk DOMAIN /out/seed.iso vdz --mode readonly --config\n`,
    );
    const scratch = "/out/seed.iso.virtssh-1";
    const files = `meta-data=${scratch}/meta-data user-data=${scratch}/user-data`;
    const options = `-o ${scratch}/draft -V CIDATA -J -r -graft-points ${files}`;
    expect(sys.log.filter((line) => !line.startsWith("write"))).toEqual([
      `make directory ${scratch} 700`,
      `create ${scratch}/meta-data`,
      `create ${scratch}/user-data`,
      `capture xorriso -no_rc -as mkisofs ${options}`,
      `capture genisoimage ${options}`,
      `create ${scratch}/image`,
      `rename ${scratch}/image /out/seed.iso`,
      ...["meta-data", "user-data", "draft", "image"].map((what) => `remove ${scratch}/${what}`),
      `remove directory ${scratch}`,
    ]);
    expect(listFiles(sys)).toEqual(["/out/seed.iso"]);
    expect(sys.files["/out/seed.iso"]).toEqual({ text: IMAGE, mode: 0o100644, uid: 1000, gid: 1000 });
  });

  test("of a relative path, which could be an option, and whose `=` would divide two paths", () => {
    const { sys, make } = start({});
    make("--iso=-a=b.iso", "/key.pub");
    expect(sys.log.find((line) => line.startsWith("capture xorriso"))).toContain(
      "-o ./-a=b.iso.virtssh-1/draft -V CIDATA -J -r -graft-points meta-data=./-a\\=b.iso.virtssh-1/meta-data ",
    );
  });

  test("is made beside what somebody else has there, or has left behind", () => {
    const other = { mode: 0o040700, uid: 7 };
    const { sys, make } = start({ files: { "/out/seed.iso.virtssh-1": other, "/out/seed.iso.virtssh-2": other } });
    make("--iso", "/out/seed.iso", "/key.pub");
    expect(sys.log).toContain("rename /out/seed.iso.virtssh-3/image /out/seed.iso");
    expect(listFiles(sys)).toEqual(["/out/seed.iso.virtssh-1", "/out/seed.iso.virtssh-2", "/out/seed.iso"]);
  });

  test("may be larger where the keys are", () => {
    const files = { "/long.pub": { text: `${KEY} ${"x".repeat(300_000)}\n` } };
    const { sys, make } = start({ files, image: IMAGE + "x".repeat(1_200_000) });
    make("--iso", "/out/seed.iso", "/long.pub");
    expect(sys.files["/out/seed.iso"]?.text).toHaveLength(IMAGE.length + 1_200_000);
  });

  test.each([
    ["an older image", { text: makeImage("cidata") }],
    ["an empty file", { text: "" }],
  ])("takes the place of %s", (_, file) => {
    const { sys, make } = start({ files: { "/out/seed.iso": file } });
    make("--iso", "/out/seed.iso", "/key.pub");
    expect(sys.files["/out/seed.iso"]?.text).toBe(IMAGE);
  });
});

describe("no image, and nothing of one, where", () => {
  const failed = { is: "program-failed", program: "genisoimage" };
  test.each<[string, Setting, object]>([
    ["there is another one's", { files: { "/out/seed.iso": { text: makeImage("DEBIAN") } } }, { is: "foreign" }],
    ["there is a link that leads nowhere", { files: { "/out/seed.iso": { link: "/no.iso" } } }, { is: "foreign" }],
    ["there is no room for a directory", { fileErrnos: { mkdir: 28 } }, { is: "refused", errno: "ENOSPC" }],
    ["there is a directory of every name", { fileErrnos: { mkdir: 17 } }, { is: "refused", errno: "EEXIST" }],
    ["there is a device", { files: { "/out/seed.iso": { mode: 0o060660 } } }, { is: "foreign" }],
    ["there is a directory", { files: { "/out/seed.iso": { mode: 0o040755 } } }, { is: "refused", errno: "EISDIR" }],
    [
      "nothing can be made",
      { fileErrnos: { "open /out/seed.iso.virtssh-1/meta-data": 28 } },
      { is: "refused", errno: "ENOSPC" },
    ],
    ["it cannot be moved", { fileErrnos: { rename: 30 } }, { is: "refused", errno: "EROFS" }],
    ["the program fails without a word", { status: 5 }, { ...failed, words: "status 5" }],
    [
      "the program fails, and says why somewhere",
      { status: 5, output: "a\rb\nx : FAILURE : Image size exceeds\u001b\nmore\n" },
      { ...failed, words: "x : FAILURE : Image size exceeds\\x1b" },
    ],
    ["the program fails, and says something", { status: 1, output: "a\n b \n\n" }, { ...failed, words: "b" }],
    ["the program makes another image", { image: makeImage("X") }, { ...failed, words: "no seed image came of it" }],
    [
      "the program makes one without end",
      { image: IMAGE + "x".repeat(1_048_577) },
      { ...failed, words: "no seed image came of it" },
    ],
    ["the program makes half of one", { image: IMAGE.slice(0, 9) }, { ...failed, words: "no seed image came of it" }],
  ])("%s", (_, setting, problem) => {
    const { sys, make } = start(setting);
    const before = listFiles(sys);
    expect(failureOf(() => make("--iso", "/out/seed.iso", "/key.pub"))).toEqual({
      kind: "seed-failed",
      path: "/out/seed.iso",
      problem,
    });
    expect(listFiles(sys)).toEqual(before);
  });

  test("there is no program", () => {
    const { sys, make } = start({ programs: [] });
    const programs = ["xorriso", "genisoimage", "mkisofs"];
    expect(failureOf(() => make("--iso", "/out/seed.iso", "/key.pub"))).toEqual({ kind: "no-iso-program", programs });
    expect(listFiles(sys)).toEqual([]);
  });

  test("the program does not end", () => {
    const { sys, make } = start({});
    sys.capture = () => {
      throw new SystemError("poll", ETIMEDOUT);
    };
    expect(failureOf(() => make("--iso", "/out/seed.iso", "/key.pub"))).toMatchObject({
      problem: { ...failed, program: "xorriso", words: "it has not ended in time" },
    });
    expect(listFiles(sys)).toEqual([]);
  });

  test("a file has no key", () => {
    const { sys, make } = start({});
    expect(failureOf(() => make("--iso", "/out/seed.iso", "/key.pub", "/none"))).toMatchObject({
      kind: "bad-key-file",
      problem: { errno: "ENOENT" },
    });
    expect(sys.log).toEqual([]);
  });
});

test("a hint has no name that a program would take for an option", () => {
  const { hint } = explain({ kind: "seed-failed", path: "-o", problem: { is: "foreign" } });
  expect(hint).toMatch(/: mv \.\/-o \.\/-o\.old$/);
});
