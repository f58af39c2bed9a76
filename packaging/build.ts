// `npm run build`: makes build/virtssh.
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { writeScripts } from "./bytecode.ts";
import { type Engine, findEngine, parseTarget, requireCompiler, type Target } from "./engine.ts";
import { runCommand } from "./run-command.ts";
import { runMake } from "./run-make.ts";

/** The whole program, of 3 MB at most: what a hypervisor's administrator calls small. */
const MAX_BYTES = 3_000_000;

const WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wno-sign-conversion"];
const HARDENING = ["-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-fstack-clash-protection"];

interface Flavour {
  readonly output: string;
  readonly flags: readonly string[];
  readonly links: readonly string[];
  readonly sources: readonly string[];
}

const STATIC: Flavour = {
  output: "build/virtssh",
  flags: ["-O2", ...HARDENING, "-fno-pie"],
  links: ["-static", "-no-pie", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now,-z,noexecstack", "-s"],
  sources: [],
};

const DYNAMIC: Flavour = {
  output: "build/dynamic/virtssh",
  flags: ["-O2", ...HARDENING, "-fPIE"],
  links: ["-pie", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now,-z,noexecstack", "-s"],
  sources: [],
};

/** Lead AF_VSOCK to AF_UNIX sockets in a folder, at link time, so that nothing in the shipped source knows of it. */
const WRAPS = ["socket", "connect", "setsockopt"].map((name) => `-Wl,--wrap=${name}`);

/**
 * For the tests: under the address and undefined-behaviour sanitizers.
 */
const CHECKED: Flavour = {
  output: "build/test/virtssh",
  flags: ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"],
  links: ["-fsanitize=address,undefined", "-static-libasan", "-static-libubsan", ...WRAPS],
  sources: ["test/fakes/vsock-stand-in.c"],
};

/** For the tests in the box, with real AF_VSOCK. User Mode Linux has no room for AddressSanitizer's shadow: 2^39 addresses, not 2^47. */
const SANITIZED: Flavour = {
  output: "build/sanitized/virtssh",
  flags: ["-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-fstack-protector-all"],
  links: ["-fsanitize=undefined", "-static-libubsan"],
  sources: [],
};

/** For `npm run bench`: as it ships, but for the stand-in; once whole, and once without what it does between connect and hand-over. */
const BENCH: Flavour = {
  ...STATIC,
  output: "build/bench/virtssh",
  links: [...STATIC.links, ...WRAPS],
  sources: ["test/fakes/vsock-stand-in.c"],
};
const UNGUARDED: Flavour = { ...BENCH, output: "build/bench/unguarded" };

/** For the profile: as it ships, but that it writes down when it calls these. */
const MARKED: Flavour = {
  ...STATIC,
  output: "build/bench/marked",
  links: [
    ...STATIC.links,
    ...["main", "exit", "socket", "connect", "poll", "read", "write"].map((name) => `-Wl,--wrap=${name}`),
    ...["NewRuntime2", "NewContextRaw", "ReadObject", "ResolveModule", "EvalFunction", "ExecutePendingJob"].map(
      (name) => `-Wl,--wrap=JS_${name}`,
    ),
  ],
  sources: ["test/bench/marks.c"],
};

/**
 * What runs and stands beside the programs in a benchmark, each with what else it is linked with: all but a library for others are
 * static, so that they start fast, and run in a lab whose libc is older.
 */
const BENCH_PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  "as-ssh": ["-static"],
  floor: ["-static", ...WRAPS, "test/fakes/vsock-stand-in.c"],
  flood: ["-static"],
  greet: ["-static"],
  "preload-stand-in": ["-shared", "-fPIC"],
  "receive-fd": ["-static"],
  "stand-in-daemon": ["-static"],
  stopwatch: ["-static"],
};

/** What the program is made of and for. */
interface Making {
  readonly engine: Engine;
  readonly compiler: string;
  /** Where js/ and bytecode.h are. */
  readonly generated: string;
}

/** Links in `folder` stand in for the engine's own paths, which may have blanks in them. */
function linkEngine(engine: Engine, folder: string): Readonly<Record<string, string>> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const link = (name: string, path: string) => {
    symlinkSync(resolve(path), join(folder, name));
    return join(folder, name);
  };
  return {
    QUICKJS_INCLUDE: link("include", engine.include),
    QUICKJS_LIBS: link("libquickjs.a", engine.library),
    QJSC: engine.compiler.includes("/") ? link("qjsc", engine.compiler) : engine.compiler,
  };
}

function compileProgram({ engine, compiler, generated }: Making, flavour: Flavour): void {
  rmSync(flavour.output, { force: true }); // other flags are no reason for make to make it again
  const variables = {
    GENERATED: generated,
    BUILD: join(generated, "make"),
    OUTPUT: flavour.output,
    CC: compiler,
    CFLAGS: [...WARNINGS, ...flavour.flags].join(" "),
    LDFLAGS: flavour.links.join(" "),
    EXTRA_SOURCES: flavour.sources.join(" "),
    ...linkEngine(engine, join(generated, "engine")),
    QJSC_RUN: engine.emulator ?? "",
  };
  runMake(["-f", "packaging/Makefile"], variables);
}

/** What else `npm run bench` runs. */
async function makeBench(making: Making, version: string): Promise<void> {
  const generated = "build/bench/unguarded-js";
  await writeScripts(generated, { version, proxy: "test/bench/unguarded-proxy.ts" });
  compileProgram({ ...making, generated }, UNGUARDED);
  compileProgram(making, MARKED);
  for (const [name, flags] of Object.entries(BENCH_PROGRAMS)) {
    const files = ["-o", `build/bench/${name}`, `test/bench/${name}.c`];
    runCommand(["gcc", "-O2", "-std=gnu17", ...WARNINGS, ...files, ...flags]);
  }
}

/** `build/virtssh` for another machine is `build/TARGET/virtssh`. */
function forTarget(flavour: Flavour, target: Target): Flavour {
  return target === undefined ? flavour : { ...flavour, output: flavour.output.replace("build/", `build/${target}/`) };
}

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "pinned" },
    target: { type: "string" },
    dynamic: { type: "boolean", default: false },
    checked: { type: "boolean", default: false },
    sanitized: { type: "boolean", default: false },
    bench: { type: "boolean", default: false },
  },
});

const target = parseTarget(values.target);
const compiler = requireCompiler(target);
const engine = findEngine(values.engine, target);
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const generated = target === undefined ? "build/generated" : `build/${target}/generated`;
const making: Making = { engine, compiler, generated };
await writeScripts(generated, { version });
const flavour = forTarget(values.dynamic ? DYNAMIC : STATIC, target);
compileProgram(making, flavour);
if (values.checked) compileProgram(making, CHECKED);
if (values.sanitized) compileProgram(making, SANITIZED);
if (values.bench) {
  compileProgram(making, forTarget(BENCH, target));
  if (target === undefined) await makeBench(making, version);
}

const bytes = statSync(flavour.output).size;
if (bytes > MAX_BYTES) throw new Error(`${flavour.output} is ${bytes} bytes, limit is ${MAX_BYTES}`);
process.stderr.write(`built ${flavour.output} (${(bytes / 1e6).toFixed(2)} MB)\n`);
