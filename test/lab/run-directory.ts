// The directory that one run shares with its lab: what goes in (files and steps) and what comes out (outcomes).
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { labFile } from "./root.ts";

/** One thing to do in a lab. */
export interface Step {
  readonly name: string;
  /** A script for `bash -c`; its stdin is /dev/null. */
  readonly run: string;
  /** "root" unless told; "alice" may only read libvirt, through polkit; "bob" is in group libvirt. */
  readonly user?: string;
  /** After this the step is killed and its exit status is 124. */
  readonly timeoutSeconds?: number;
}

export interface Outcome {
  readonly name: string;
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface Lab {
  readonly steps: readonly Step[];
  /** Path in the lab -> path of a file on this machine. It is executable there if it is here, and belongs to root. */
  readonly files?: Readonly<Record<string, string>>;
  /** Path in the lab -> the file's content. */
  readonly texts?: Readonly<Record<string, string>>;
  /** In the box: what is there when its first program starts. Path -> path of a file on this machine, as in `files`. */
  readonly bootFiles?: Readonly<Record<string, string>>;
  /** The same, of programs: path -> content. */
  readonly bootTexts?: Readonly<Record<string, string>>;
  /** The same, of symbolic links: path -> target. */
  readonly bootLinks?: Readonly<Record<string, string>>;
  /** The same, of what is not there then, though the root has it. */
  readonly bootWithout?: readonly string[];
}

/** What a lab has written so far. */
export interface Report {
  /** Seconds since the lab's kernel started, once the lab is ready for its steps. */
  readonly readySeconds: number | undefined;
  readonly outcomes: readonly Outcome[];
  readonly isFinished: boolean;
}

/** One line of the file `outcomes`, as steps.sh writes it. */
type Line =
  | { readonly ready: number }
  | { readonly step: number; readonly exit: number; readonly ms: number }
  | { readonly finished: true };

let runs = 0;

/** Makes the directory for `lab` under build/lab/ and returns its path. Throws if two steps share a name. */
export function prepareRun(kind: string, lab: Lab, defaultTimeoutSeconds: number): string {
  if (new Set(lab.steps.map((step) => step.name)).size < lab.steps.length) {
    throw new Error("every step of a lab needs a name of its own");
  }
  runs += 1;
  const run = resolve("build/lab", `${kind}-${process.pid}-${runs}`);
  rmSync(run, { recursive: true, force: true });
  for (const folder of ["files", "boot", "steps", "overlay"]) mkdirSync(join(run, folder), { recursive: true });
  copyFileSync(labFile("steps.sh"), join(run, "steps.sh"));
  writeFileSync(join(run, "outcomes"), "");
  writeSteps(run, lab.steps, defaultTimeoutSeconds);
  writeFiles(run, lab);
  writeBootTree(run, lab);
  return run;
}

function writeSteps(run: string, steps: readonly Step[], defaultTimeoutSeconds: number): void {
  const list = steps.map((step, number) => {
    writeFileSync(join(run, "steps", `${number}`), step.run);
    return `${number} ${step.user ?? "root"} ${step.timeoutSeconds ?? defaultTimeoutSeconds}\n`;
  });
  writeFileSync(join(run, "steps.list"), list.join(""));
}

function writeFiles(run: string, { files = {}, texts = {} }: Lab): void {
  copyFiles(join(run, "files"), files);
  for (const [path, content] of Object.entries(texts)) {
    writeFileSync(placeIn(join(run, "files"), path), content, { mode: 0o644 });
  }
}

/** What boot.sh lays over the root. */
function writeBootTree(run: string, lab: Lab): void {
  const { bootFiles = {}, bootTexts = {}, bootLinks = {}, bootWithout = [] } = lab;
  const tree = join(run, "boot");
  copyFiles(tree, bootFiles);
  for (const [path, text] of Object.entries(bootTexts)) writeFileSync(placeIn(tree, path), text, { mode: 0o755 });
  for (const [path, target] of Object.entries(bootLinks)) symlinkSync(target, placeIn(tree, path));
  writeFileSync(join(run, "without"), bootWithout.map((path) => `${path}\n`).join(""));
}

/** Makes the directory for `path` in `tree`, and returns where `path` is there. */
function placeIn(tree: string, path: string): string {
  const place = join(tree, path);
  mkdirSync(dirname(place), { recursive: true });
  return place;
}

/** What stands for the program as it ships in all labs, where this names it: the one of `npm run build -- --sanitized`. */
const SHIPPED = "build/virtssh";
const INSTEAD = process.env["VIRTSSH_LAB_PROGRAM"] ?? SHIPPED;

function copyFiles(tree: string, files: Readonly<Record<string, string>>): void {
  for (const [path, given] of Object.entries(files)) {
    const source = given === SHIPPED ? INSTEAD : given;
    const copy = placeIn(tree, path);
    copyFileSync(source, copy);
    chmodSync(copy, statSync(source).mode & 0o111 ? 0o755 : 0o644);
  }
}

/** Reads what has been reported in `run` up to now. */
export function readReport(run: string, steps: readonly Step[]): Report {
  const text = readFileSync(join(run, "outcomes"), "utf8");
  const complete = text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter(Boolean);
  // steps.sh writes these lines and nobody else can, so their shape is known.
  const lines = complete.map((line) => JSON.parse(line) as Line);
  return {
    readySeconds: lines.find((line) => "ready" in line)?.ready,
    outcomes: lines.filter((line) => "step" in line).map((line) => readOutcome(run, steps, line)),
    isFinished: lines.some((line) => "finished" in line),
  };
}

function readOutcome(run: string, steps: readonly Step[], line: Extract<Line, { step: number }>): Outcome {
  const read = (stream: string): string => readFileSync(join(run, `${line.step}.${stream}`), "utf8");
  const name = steps[line.step]?.name ?? `step ${line.step}`;
  return { name, exit: line.exit, stdout: read("stdout"), stderr: read("stderr"), ms: line.ms };
}

/** The last lines of a run's console, or "" if it has none. */
export function consoleTail(run: string, maxBytes = 3000): string {
  const path = join(run, "console.log");
  return existsSync(path) ? readFileSync(path, "utf8").replaceAll("\r", "").slice(-maxBytes).trim() : "";
}

/** Removes what went into a run; what came out stays for reading, until `keepRuns` removes it. */
export function trimRun(run: string): void {
  for (const folder of ["files", "boot", "overlay"]) rmSync(join(run, folder), { recursive: true, force: true });
}

/** Removes the directories of all but the newest runs. */
export function keepRuns(count: number): void {
  const folder = resolve("build/lab");
  const ages = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => ({
      path: join(folder, entry.name),
      changedMs: statSync(join(folder, entry.name)).mtimeMs,
    }))
    .sort((a, b) => b.changedMs - a.changedMs);
  for (const { path } of ages.slice(count)) rmSync(path, { recursive: true, force: true });
}
