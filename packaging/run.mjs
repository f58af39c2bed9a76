// run.mjs SCRIPT.ts [ARGS...] runs one of the project's TypeScript programs on a fresh clone: it installs what package-lock.json
// lists if that is not there yet, bundles the script, and runs it. Plain JavaScript, because Node 20 cannot run anything else.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MIN = [20, 19];
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends the program with one line that says why. */
function fail(message, hint) {
  process.stderr.write(`run: error: ${message}\n${hint === undefined ? "" : `run: hint: ${hint}\n`}`);
  process.exit(1);
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), "utf8"));
  } catch {
    return undefined;
  }
}

/** npm writes what it installed into node_modules/.package-lock.json; optional packages are for other machines if missing. */
function isInstalled() {
  const wanted = readLock("package-lock.json")?.packages;
  const present = readLock("node_modules/.package-lock.json")?.packages;
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const found = present[path];
    if (path === "" || (found === undefined && optional)) return true;
    return found?.version === version && found?.integrity === integrity;
  });
}

function installPackages() {
  const begin = Date.now();
  process.stderr.write("installing npm packages … ");
  const npm = spawnSync("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"], { cwd: ROOT, encoding: "utf8" });
  if (npm.error) fail(`cannot run npm: ${npm.error.message}`, "install npm, which comes with Node.js");
  if (npm.status !== 0) fail(`cannot install npm packages:\n${npm.stdout}${npm.stderr}`);
  process.stderr.write(`${((Date.now() - begin) / 1000).toFixed(1)} s\n`);
}

/** Returns the path of the bundle. Renamed into place, so that another run never sees half of it. */
async function bundleScript(script) {
  const { build } = await import("esbuild");
  const name = relative(ROOT, script).replace(/\.ts$/, "").replaceAll("/", "-");
  const bundle = join(ROOT, "build/scripts", `${name}.mjs`);
  const draft = `${bundle}.${process.pid}`;
  mkdirSync(dirname(bundle), { recursive: true });
  await build({
    entryPoints: [script],
    outfile: draft,
    bundle: true,
    platform: "node",
    target: `node${NODE_MIN[0]}`,
    format: "esm",
    packages: "external",
    sourcemap: "inline",
    logLevel: "error",
  });
  renameSync(draft, bundle);
  return bundle;
}

/** The script gets the terminal's signals itself; this process only waits, and ends as the script did. */
function runScript(bundle, args) {
  const child = spawn(process.execPath, ["--enable-source-maps", bundle, ...args], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP"]) process.on(signal, () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
  fail(
    `this is Node.js ${process.versions.node}, and at least ${NODE_MIN.join(".")} is needed`,
    "see https://nodejs.org/",
  );
}
const [script, ...args] = process.argv.slice(2);
if (script === undefined) fail("no script given", "node packaging/run.mjs SCRIPT.ts [ARGS...]");
if (!isInstalled()) installPackages();
process.chdir(ROOT);
const bundle = await bundleScript(resolve(ROOT, script)).catch((error) => fail(error.message));
runScript(bundle, args);
