// Turns the TypeScript into the engine's bytecode, as a C table of modules.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import type { Engine } from "./engine.ts";
import { runCommand } from "./run-command.ts";

/** The module that the program begins with. */
const ENTRY = "main.js";

/** Has the one import() in it: as an entry point it comes out as a module of its own. */
const LOADER = "helper/load-program.ts";

/** What commander and ssh-config import of Node, and what stands in its place. */
const SHIMS: Readonly<Record<string, string>> = {
  "node:events": "events.ts",
  "node:process": "process.ts",
  "node:util": "util.ts",
  "node:child_process": "child-process.ts",
  "node:fs": "nothing.ts",
  "node:os": "nothing.ts",
  "node:path": "nothing.ts",
};

/** The drop-in, which `virtssh setup` writes for one user. */
const DROP_IN = "ssh_config.d/25-virtssh.conf";

/** The engine knows no explicit resource management: `using` is compiled away, and its symbol is made here. */
const BANNER = 'Symbol.dispose ??= Symbol.for("Symbol.dispose");';

export interface Source {
  readonly version: string;
  /** What main.ts gets in place of proxy.ts, for a benchmark of that file's parts. */
  readonly proxy?: string;
}

/** Writes bytecode.h into `folder`: main.js, and what only the command line loads. */
export async function writeBytecode(engine: Engine, folder: string, source: Source): Promise<void> {
  const scripts = join(folder, "js");
  rmSync(scripts, { recursive: true, force: true });
  mkdirSync(scripts, { recursive: true });
  await bundle(scripts, source);
  const modules = compile(engine, scripts);
  writeFileSync(join(folder, "bytecode.h"), modules);
}

async function bundle(outdir: string, { version, proxy }: Source): Promise<void> {
  const shims = Object.entries(SHIMS).map(([name, file]) => [name, `./helper/cli/node-shims/${file}`]);
  await build({
    entryPoints: ["helper/main.ts", LOADER],
    outdir,
    bundle: true,
    splitting: true, // import() stays a module of its own
    format: "esm",
    target: "es2023",
    loader: { ".bash": "text", ".fish": "text", ".zsh": "text" },
    minifySyntax: true, // names and lines stay as they are, for the stack in the report of a bug
    external: ["virtssh:native"],
    alias: Object.fromEntries(shims),
    plugins: [joinHotPath(), ...(proxy === undefined ? [] : [replaceProxy(resolve(proxy))])],
    banner: { js: BANNER },
    define: {
      VIRTSSH_VERSION: JSON.stringify(version),
      VIRTSSH_DROP_IN: JSON.stringify(readFileSync(DROP_IN, "utf8")),
    },
    logLevel: "warning",
  });
}

/** What load-program.ts loads. */
const LATER =
  /\/helper\/(?:report|await-guest|hostkeys\/run-known-hosts|cli\/(?:program|doctor|setup|inventory|completion|trust))\.ts$/;

/**
 * esbuild makes a module of all files that the same entry points share, which would cut the hot path into ten: each costs time at
 * every start. So whatever is loaded later is made to import all that main.ts does, and they share it as one.
 */
function joinHotPath(): Plugin {
  const files = readFileSync("helper/main.ts", "utf8").match(/(?<=^import \{.*from ")\.\/[^"]+(?=";$)/gm) ?? [];
  const hot = files.filter((file) => !LOADER.endsWith(file.slice(1)));
  return {
    name: "join the hot path",
    setup({ onLoad }) {
      onLoad({ filter: LATER }, ({ path }) => {
        const up = relative(dirname(path), resolve("helper"));
        const imports = hot.map((file) => `import "${join(up, file).replace(/^(?!\.)/, "./")}";\n`);
        return { contents: `${readFileSync(path, "utf8")}${imports.join("")}`, loader: "ts" };
      });
    },
  };
}

function replaceProxy(path: string): Plugin {
  return {
    name: "replace proxy.ts",
    setup({ onResolve }) {
      onResolve({ filter: /^\.\/proxy\.ts$/ }, ({ importer }) =>
        importer.endsWith("/main.ts") ? { path } : undefined,
      );
    },
  };
}

/**
 * The modules by the names under which they import each other. Without lines and files in the bytecode the program starts faster,
 * but import() needs the name of the file that it stands in.
 */
function compile(engine: Engine, scripts: string): string {
  const outputs = readdirSync(scripts).filter((file) => file.endsWith(".js"));
  const modules = outputs.filter((file) => file !== basename(LOADER).replace(".ts", ".js")); // only re-exports its chunk
  const whole = compileAll(engine, scripts, []);
  const stripped = compileAll(engine, scripts, ["-s"]);
  const loads = (file: string) => /\bimport\(/.test(readFileSync(join(scripts, file), "utf8"));
  const arrays = modules.map((file) => findArray(loads(file) ? whole : stripped, file));
  const rows = modules.map((file) => `    {"${file}", ${symbolOf(file)}, sizeof ${symbolOf(file)}},`);
  return [
    "/* Made by packaging/bytecode.ts. */",
    "#include <stddef.h>",
    "#include <stdint.h>",
    ...arrays,
    "static const struct { const char *name; const uint8_t *bytes; size_t size; } bytecode[] = {",
    ...rows,
    "    {NULL, NULL, 0},",
    "};",
    "",
  ].join("\n");
}

/** The engine's compiler follows imports by itself; what is imported later has to be named. Returns C. */
function compileAll(engine: Engine, scripts: string, options: readonly string[]): string {
  const isLater = (file: string) => file.endsWith(".js") && file !== ENTRY && !file.startsWith("chunk-");
  const later = readdirSync(scripts).filter((file) => isLater(file) && file !== basename(LOADER).replace(".ts", ".js"));
  const modules = ["-c", "-m", "-M", "virtssh:native,virtssh_native", ...later.flatMap((file) => ["-D", file])];
  runCommand([engine.compiler, ...modules, ...options, "-o", "bytecode.c", ENTRY], { cwd: scripts });
  return readFileSync(join(scripts, "bytecode.c"), "utf8");
}

/** The engine's compiler names an array after its file. */
function symbolOf(file: string): string {
  return `qjsc_${file.replace(/\.js$/, "").replace(/[^0-9A-Za-z]/g, "_")}`;
}

function findArray(text: string, file: string): string {
  const array = new RegExp(`^const uint8_t ${symbolOf(file)}\\[[^;]*;`, "m").exec(text)?.[0];
  if (array === undefined) throw new Error(`${file} was not compiled`);
  return `static ${array}`;
}
