// Builds what is fuzzed: the program as it ships, under sanitizers, with harness.c between it and the kernel. AFL++ sees which way its C
// goes, and the engine, of which no more is changed, tells which way the bytecode goes.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { writeScripts } from "../../packaging/bytecode.ts";
import { cacheKey } from "../../packaging/cache.ts";
import { type Engine, findEngine } from "../../packaging/engine.ts";
import { runMake } from "../../packaging/run-make.ts";

const FOLDER = "build/fuzz";
export const PROGRAM = `${FOLDER}/virtssh`;
/** The same with native-calls.ts in place of proxy.ts. */
export const MODULE = `${FOLDER}/native-calls`;

/** A branch of the bytecode, in the engine's JS_CallInternal(): it has just set `pc`. */
const BRANCH = "if (unlikely(js_poll_interrupts(ctx)))";
const COVERED = "if (unlikely((fuzz_cover(pc), js_poll_interrupts(ctx))))";
/** goto, if_true and if_false, each with offsets of several sizes. */
const BRANCHES = 7;
const BEFORE = "static no_inline __exception int __js_poll_interrupts";

const WRAPPED = [
  ...[
    "clock_gettime",
    "close",
    "connect",
    "fchmod",
    "fchown",
    "fork",
    "getppid",
    "getsockopt",
    "kill",
    "mkdir",
    "open",
  ],
  ...["poll", "posix_spawnp", "read", "rename", "rmdir", "sendmsg", "setsockopt", "socket", "splice", "time", "unlink"],
  "write",
];

/** The flags are ours; and in clang 14's vectors AFL++ counts at addresses of its own making. The harness is of no interest to it. */
const COVERAGE = "AFL_DONT_OPTIMIZE=1 AFL_LLVM_DENYLIST=test/fuzz/not-covered.txt";

const SANITIZERS = "-fsanitize=address,undefined -fsanitize-undefined-trap-on-error";
/** Without PIE the bytecode has the same addresses each time. */
const FLAGS = "-O1 -g -fno-pie -fno-omit-frame-pointer";

/** Returns the library. */
function buildEngine({ include }: Engine): string {
  const folder = join(FOLDER, `engine-${cacheKey(["test/fuzz/build-target.ts", join(include, "VERSION")])}`);
  const library = join(folder, "engine/libquickjs.a");
  if (existsSync(library)) return library;
  const source = join(folder, "source");
  mkdirSync(source, { recursive: true });
  for (const name of readdirSync(include).filter((file) => /\.[ch]$|^VERSION$/.test(file))) {
    copyFileSync(join(include, name), join(source, name));
  }
  const text = readFileSync(join(source, "quickjs.c"), "utf8");
  const found = text.split(BRANCH).length - 1;
  if (found !== BRANCHES || !text.includes(BEFORE)) throw new Error(`quickjs.c has ${found} branches, not ${BRANCHES}`);
  const covered = text.replaceAll(BRANCH, COVERED).replace(BEFORE, `void fuzz_cover(const uint8_t *pc);\n${BEFORE}`);
  writeFileSync(join(source, "quickjs.c"), covered);
  runMake(["-f", "packaging/engine.mk", library], {
    BUILD: folder,
    QUICKJS: source,
    CC: "clang",
    CFLAGS: `${FLAGS.replace("-O1", "-O2")} -fsanitize=address -w`,
  });
  return library;
}

/** Links stand in for the engine's own paths, which may have blanks in them. */
function link(name: string, path: string): string {
  const made = join(FOLDER, name);
  rmSync(made, { force: true });
  symlinkSync(resolve(path), made);
  return made;
}

/** Makes PROGRAM, and MODULE out of the same engine. */
export async function buildTargets(): Promise<void> {
  const pinned = findEngine("pinned");
  mkdirSync(FOLDER, { recursive: true });
  const engine = {
    QUICKJS_INCLUDE: link("pinned", pinned.include),
    QUICKJS_LIBS: buildEngine(pinned),
    QJSC: link("qjsc", pinned.compiler),
  };
  await compile(PROGRAM, engine);
  await compile(MODULE, engine, "test/fuzz/native-calls.ts");
}

async function compile(output: string, engine: Readonly<Record<string, string>>, proxy?: string): Promise<void> {
  const generated = `${output}-generated`;
  await writeScripts(generated, { version: "0.0.0-fuzz", ...(proxy === undefined ? {} : { proxy }) });
  rmSync(output, { force: true });
  runMake(["-f", "packaging/Makefile"], {
    ...engine,
    GENERATED: generated,
    BUILD: join(generated, "make"),
    OUTPUT: output,
    CC: `env ${COVERAGE} afl-clang-fast`,
    CFLAGS: `${FLAGS} ${SANITIZERS}`,
    LDFLAGS: [SANITIZERS, "-no-pie", ...WRAPPED.map((name) => `-Wl,--wrap=${name}`)].join(" "),
    EXTRA_SOURCES: "test/fuzz/harness.c",
  });
}
