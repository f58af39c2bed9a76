// `npm run build`: makes build/virtssh.
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeBytecode } from "./bytecode.ts";
import { type Engine, findEngine } from "./engine.ts";
import { requirePrograms } from "./host-packages.ts";
import { runCommand } from "./run-command.ts";

const NATIVE = "helper/sys/native";

/** The whole program, of 3 MB at most: what a hypervisor's administrator calls small. */
const MAX_BYTES = 3_000_000;

const WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wno-sign-conversion", "-std=gnu17"];
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

/** For `npm run bench`: as it ships, but for the stand-in; once whole, and once without what it does between connect and hand-over. */
const BENCH: Flavour = {
  ...STATIC,
  output: "build/bench/virtssh",
  links: [...STATIC.links, ...WRAPS],
  sources: ["test/fakes/vsock-stand-in.c"],
};
const UNGUARDED: Flavour = { ...BENCH, output: "build/bench/unguarded" };

/** `folder` is where bytecode.h is. */
function compileProgram(engine: Engine, flavour: Flavour, folder = "build"): void {
  const sources = [join(NATIVE, "main.c"), join(NATIVE, "native.c"), ...flavour.sources];
  const includes = ["-I", NATIVE, "-isystem", engine.include, "-I", folder];
  runCommand([
    ...["gcc", ...WARNINGS, ...flavour.flags, ...includes, "-o", flavour.output, ...sources],
    ...[engine.library, ...flavour.links, "-lm", "-lpthread", "-ldl"],
  ]);
}

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "pinned" },
    dynamic: { type: "boolean", default: false },
    checked: { type: "boolean", default: false },
    bench: { type: "boolean", default: false },
  },
});

requirePrograms({ gcc: "gcc libc6-dev" });
for (const folder of ["build/test", "build/dynamic", "build/bench/unguarded-js"])
  mkdirSync(folder, { recursive: true });
const engine = findEngine(values.engine);
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
await writeBytecode(engine, "build", { version });
const flavour = values.dynamic ? DYNAMIC : STATIC;
compileProgram(engine, flavour);
if (values.checked) compileProgram(engine, CHECKED);
if (values.bench) {
  compileProgram(engine, BENCH);
  await writeBytecode(engine, "build/bench/unguarded-js", { version, proxy: "test/bench/unguarded-proxy.ts" });
  compileProgram(engine, UNGUARDED, "build/bench/unguarded-js");
  for (const name of ["receive-fd", "greet", "as-ssh"]) {
    runCommand(["gcc", "-O2", ...WARNINGS, "-o", `build/bench/${name}`, `test/bench/${name}.c`]);
  }
}

const bytes = statSync(flavour.output).size;
if (bytes > MAX_BYTES) throw new Error(`${flavour.output} is ${bytes} bytes, limit is ${MAX_BYTES}`);
process.stderr.write(`built ${flavour.output} (${(bytes / 1e6).toFixed(2)} MB)\n`);
