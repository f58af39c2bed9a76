// Turns the TypeScript into the JavaScript that the engine's compiler takes, and into a C table of its modules.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { build, type Plugin } from "esbuild";

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

/**
 * Writes js/ into `folder`, main.js and what is only loaded later, and bytecode.h. Returns the npm packages that are in them, by
 * their folders.
 */
export async function writeScripts(folder: string, source: Source): Promise<readonly string[]> {
  const scripts = join(folder, "js");
  rmSync(scripts, { recursive: true, force: true });
  mkdirSync(scripts, { recursive: true });
  const inputs = await bundle(scripts, source);
  writeFileSync(join(folder, "bytecode.h"), listModules(scripts));
  const packages = inputs.map((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(packages.filter((path) => path !== undefined))].sort();
}

/** Returns the files that something of has come out. */
async function bundle(outdir: string, { version, proxy }: Source): Promise<readonly string[]> {
  const shims = Object.entries(SHIMS).map(([name, file]) => [name, `./helper/cli/node-shims/${file}`]);
  const { metafile } = await build({
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
    metafile: true,
    logLevel: "warning",
  });
  const outputs = Object.values(metafile.outputs);
  return outputs.flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

/** What load-program.ts loads. */
const LATER =
  /\/helper\/(?:report|await-guest|sys\/probe|hostkeys\/run-known-hosts|cli\/(?:program|run-resolve|list|keys|credential|seed|doctor|enable|setup|inventory|completion|trust))\.ts$/;

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
 * bytecode.h: the modules by the names under which they import each other. packaging/Makefile compiles each twice: in plain_ are no
 * lines and no files, with which the program starts faster; but import() needs the name of the file that it stands in.
 */
function listModules(scripts: string): string {
  const outputs = readdirSync(scripts).filter((file) => file.endsWith(".js"));
  const modules = outputs.filter((file) => file !== basename(LOADER).replace(".ts", ".js")).sort(); // only re-exports its chunk
  const loads = (file: string) => /\bimport\(/.test(readFileSync(join(scripts, file), "utf8"));
  const symbols = modules.map((file) => ({ file, symbol: symbolOf(file, loads(file) ? "named" : "plain") }));
  return [
    "/* Made by packaging/bytecode.ts. */",
    "#include <stddef.h>",
    "#include <stdint.h>",
    ...symbols.map(({ symbol }) => `extern const uint8_t ${symbol}[];\nextern const uint32_t ${symbol}_size;`),
    "static const struct { const char *name; const uint8_t *bytes; const uint32_t *size; } bytecode[] = {",
    ...symbols.map(({ file, symbol }) => `    {"${file}", ${symbol}, &${symbol}_size},`),
    "    {NULL, NULL, NULL},",
    "};",
    "",
  ].join("\n");
}

/** The engine's compiler names an array after its file. */
function symbolOf(file: string, prefix: string): string {
  return `${prefix}_${file.replace(/\.js$/, "").replace(/[^0-9A-Za-z]/g, "_")}`;
}
