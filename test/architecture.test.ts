// Who may import whom, as a table, and a check that the code keeps to it.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { TABLE } from "./import-table.ts";

/** Where the program begins. */
const START = "main.ts";

/** Loads the rest of the command line, and what may be loaded so: every other import is static. */
const LOADER = "load-program.ts";
const LOADED = TABLE[LOADER] ?? [];

/** The files that touch the kernel. */
const DOORS = Object.keys(TABLE).filter((file) => TABLE[file]?.includes("virtssh:native"));

/** I/O that needs no import. */
const GLOBAL_IO =
  /\b(?:process|console)\s*\.|\bglobalThis\b|\brequire\s*\(|\bfetch\s*\(|\bset(?:Timeout|Interval)\s*\(/;

const ASYNC = /\b(?:async|await|Promise)\b/;

/** `import "x"`, `import x, { y } from "x"`, `import type …`, `export … from "x"`. */
const STATIC_IMPORT =
  /^\s*(?:import\s+|(?:import|export)\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\w+|\{[^}]*\})(?:\s*,\s*\{[^}]*\})?\s+from\s+)["']([^"']+)["']/gm;

type Sources = ReadonlyMap<string, string>;

interface Import {
  readonly from: string;
  readonly isDynamic: boolean;
}

/** Comments go, at the ends of lines too; `//` inside a string stays, since no white space is before it. */
function stripComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** The row with the longest key that covers `file`. */
function findRow(file: string): readonly string[] | undefined {
  const keys = Object.keys(TABLE).filter((key) => covers(key, file));
  const [best] = keys.sort((one, other) => other.length - one.length);
  return best === undefined ? undefined : TABLE[best];
}

function covers(key: string, file: string): boolean {
  return key === file || (key.endsWith("/") && file.startsWith(key));
}

function listImports(file: string, code: string): Import[] {
  const resolve = (name: string) => (name.startsWith(".") ? normalize(join(dirname(file), name)) : name);
  const statics = [...code.matchAll(STATIC_IMPORT)];
  const dynamics = [...code.matchAll(/\bimport\s*\(\s*([^)]*)\)/g)];
  return [
    ...statics.map(([, name = ""]) => ({ from: resolve(name), isDynamic: false })),
    ...dynamics.map(([, name = ""]) => ({ from: resolve(name.trim().replace(/^["']|["']$/g, "")), isDynamic: true })),
  ];
}

/** Everything that is loaded before main.ts knows what it is asked for. */
function listHotPath(sources: Sources): Set<string> {
  const found = new Set<string>();
  const visit = (file: string) => {
    const source = sources.get(file);
    if (source === undefined || found.has(file)) return;
    found.add(file);
    for (const { from, isDynamic } of listImports(file, stripComments(source))) if (!isDynamic) visit(from);
  };
  visit(START);
  return found;
}

function checkImports(file: string, code: string): string[] {
  const row = findRow(file);
  if (row === undefined) return [`${file} is in no row of the table`];
  return listImports(file, code).flatMap(({ from, isDynamic }) => {
    if (isDynamic && !(file === LOADER && LOADED.includes(from))) return [`${file} loads ${from} when it runs`];
    if (!isDynamic && LOADED.includes(from)) return [`${file} imports ${from}, which is for load-program.ts`];
    return row.some((key) => covers(key, from)) ? [] : [`${file} may not import ${from}`];
  });
}

function checkFile(file: string, code: string): string[] {
  const touchesIo =
    !DOORS.includes(file) && GLOBAL_IO.test(code) ? [`${file} touches I/O: ${GLOBAL_IO.exec(code)?.[0]}`] : [];
  return [...checkImports(file, code), ...touchesIo];
}

/** What is against the rules, one line each. */
function checkArchitecture(sources: Sources): string[] {
  const hotPath = listHotPath(sources);
  return [...sources].flatMap(([file, source]) => {
    const code = stripComments(source);
    const waits =
      file !== LOADER && hotPath.has(file) && ASYNC.test(code) ? [`${file} is asynchronous on the hot path`] : [];
    return [...checkFile(file, code), ...waits];
  });
}

function readSources(): Sources {
  const root = join(import.meta.dirname, "../helper");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
}

test("the helper keeps to the import table", () => {
  const sources = readSources();
  expect(sources.size).toBeGreaterThan(25);
  expect(checkArchitecture(sources)).toEqual([]);
});

test("every row of the import table covers a file", () => {
  const files = [...readSources().keys()];
  expect(Object.keys(TABLE).filter((key) => !files.some((file) => covers(key, file)))).toEqual([]);
});

test("nothing in the import table is allowed in vain", () => {
  const sources = readSources();
  const used = [...sources].flatMap(([file, source]) =>
    listImports(file, stripComments(source)).map(({ from }) => [file, from]),
  );
  const isUsed = (row: string, allowed: string) =>
    used.some(([file = "", from = ""]) => findRow(file) === TABLE[row] && covers(allowed, from));
  // A row for a folder is for the files that are still to come.
  const rows = Object.entries(TABLE).filter(([row]) => !row.endsWith("/"));
  expect(rows.flatMap(([row, may]) => may.filter((key) => !isUsed(row, key)).map((key) => `${row}: ${key}`))).toEqual(
    [],
  );
});

test("the hot path reaches the kernel and libvirt, and no command line", () => {
  const hotPath = [...listHotPath(readSources())];
  expect(hotPath).toEqual(expect.arrayContaining(["sys/linux.ts", "proxy.ts", "libvirt/connection.ts"]));
  expect(hotPath.filter((file) => file.startsWith("cli/"))).toEqual([]);
});

const MAIN = 'import { linux } from "./sys/linux.ts";';

test.each([
  [
    "an import that its row does not allow",
    { "quote.ts": 'import { x } from "./target.ts";' },
    "quote.ts may not import target.ts",
  ],
  [
    "a type from where none may come",
    { "quote.ts": 'import type { X } from "./target.ts";' },
    "quote.ts may not import target.ts",
  ],
  [
    "an import over many lines",
    { "quote.ts": 'import {\n  x,\n  y,\n} from "./target.ts";' },
    "quote.ts may not import target.ts",
  ],
  ["an import for its effect", { "quote.ts": 'import "./target.ts";' }, "quote.ts may not import target.ts"],
  ["an export of another file's", { "quote.ts": 'export * from "./target.ts";' }, "quote.ts may not import target.ts"],
  [
    "a way round over the parent",
    { "libvirt/uuid.ts": 'import "../libvirt/xdr.ts";' },
    "libvirt/uuid.ts may not import libvirt/xdr.ts",
  ],
  ["a file in no row", { "utils.ts": "" }, "utils.ts is in no row of the table"],
  [
    "commander outside its file",
    { "cli/resolve.ts": 'import "commander";' },
    "cli/resolve.ts may not import commander",
  ],
  ["ssh-config outside its file", { "cli/setup.ts": 'import "ssh-config";' }, "cli/setup.ts may not import ssh-config"],
  [
    "the native module outside its file",
    { "proxy.ts": 'import * as native from "virtssh:native";' },
    "proxy.ts may not import virtssh:native",
  ],
  [
    "a module of Node's",
    { "libvirt/xdr.ts": 'import { readFileSync } from "node:fs";' },
    "libvirt/xdr.ts may not import node:fs",
  ],
  [
    "the kernel in the command line",
    { "cli/resolve.ts": 'import "../sys/linux.ts";' },
    "cli/resolve.ts may not import sys/linux.ts",
  ],
  ["I/O by a global object", { "target.ts": "const home = process.env.HOME;" }, "target.ts touches I/O: process."],
  ["a print", { "proxy.ts": 'console.error("x");' }, "proxy.ts touches I/O: console."],
  ["an import when it runs", { "proxy.ts": 'const x = import("./relay.ts");' }, "proxy.ts loads relay.ts when it runs"],
  [
    "the command line, loaded before it is needed",
    { "main.ts": 'import "./cli/program.ts";' },
    "main.ts imports cli/program.ts, which is for load-program.ts",
  ],
  [
    "async, two imports away",
    { "main.ts": MAIN, "sys/linux.ts": "export async function read() {}" },
    "sys/linux.ts is asynchronous on the hot path",
  ],
  [
    "a promise, two imports away",
    { "main.ts": MAIN, "sys/linux.ts": "new Promise(start);" },
    "sys/linux.ts is asynchronous on the hot path",
  ],
])("checkArchitecture() refuses %s", (_, files: Record<string, string>, refusal) => {
  expect(checkArchitecture(new Map(Object.entries(files)))).toContain(refusal);
});

test.each([
  ["an import that its row allows", { "explain.ts": 'import { quote } from "./quote.ts";' }],
  [
    "the rest of the command line, loaded by load-program.ts",
    { "load-program.ts": 'import("./cli/program.ts").then(run);' },
  ],
  ["a comment about an import", { "quote.ts": '// import "./target.ts";\n/* await process.exit */' }],
  ["async off the hot path", { "main.ts": MAIN, "cli/resolve.ts": "async function x() {}" }],
])("checkArchitecture() allows %s", (_, files: Record<string, string>) => {
  expect(checkArchitecture(new Map(Object.entries(files)))).toEqual([]);
});
