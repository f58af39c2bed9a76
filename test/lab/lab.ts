// Runs steps in one of the two labs: beside a real libvirtd in namespaces (native), or on a hypervisor with a kernel of its own,
// which is a process of this machine (the box).

import { setTimeout as sleep } from "node:timers/promises";
import { type Ended, runChild } from "./child.ts";
import { ensureKernel } from "./kernel.ts";
import { ensureNoVsock } from "./no-vsock.ts";
import { formatSeconds, type Progress } from "./progress.ts";
import { ensureOldRoot, ensureRoot, labFile } from "./root.ts";
import {
  consoleTail,
  keepRuns,
  type Lab,
  type Outcome,
  prepareRun,
  type Report,
  readReport,
  trimRun,
} from "./run-directory.ts";

export type { Lab, Outcome, Step } from "./run-directory.ts";

export type Outcomes = ReadonlyMap<string, Outcome>;

export interface BoxOptions {
  /** Connects this process's terminal, raw, to /dev/ttyS0 in the box. */
  readonly terminal?: boolean;
  /** Boots Debian 12, a guest with systemd 252 and no libvirt, in place of 13. */
  readonly isOld?: boolean;
  /** More for the kernel's command line. */
  readonly kernelOptions?: readonly string[];
}

/** Limits in seconds. A lab is ended when it is not ready in time, or when its steps cannot still be running. */
interface Kind {
  readonly name: "native" | "box";
  readonly readySeconds: number;
  readonly stepSeconds: number;
}

const NATIVE: Kind = { name: "native", readySeconds: 30, stepSeconds: 60 };
const BOX: Kind = { name: "box", readySeconds: 120, stepSeconds: 300 };

/** What a lab needs beyond its steps, to put files in place and to power off. */
const SPARE_SECONDS = 60;

/** How often a running lab's report is read. */
const POLL_MS = 100;

/** Runs that stay in build/lab/ for reading. */
const KEPT_RUNS = 16;

const silent: Progress = () => undefined;

/**
 * Runs `lab` beside a real libvirtd that starts real, emulated domains, without vsock: socket(AF_VSOCK) fails with
 * EAFNOSUPPORT, or as `no-vsock EPERM COMMAND` in a step has it. Needs root. A step that fails is an outcome like any other;
 * throws only where the lab itself failed.
 */
export async function runNative(lab: Lab, progress: Progress = silent): Promise<Outcomes> {
  const root = await ensureRoot(progress);
  const program = await ensureNoVsock();
  const run = prepareRun("native", withNoVsock(lab, program), NATIVE.stepSeconds);
  const command = [...isolated(root, program), "--ipc", "bash", labFile("ns.sh"), root, run];
  return await follow({ kind: NATIVE, lab, run, command, progress });
}

/**
 * Runs `lab` on a Debian 13 hypervisor (unless told) with systemd, libvirtd and vhost_vsock, whose guests, which are emulated, have VSOCK. Its
 * kernel is User Mode Linux: system calls of its programs, AF_VSOCK among them, end there. Booting it takes about 4 s. Needs root.
 * Throws as `runNative` does, with the end of the console.
 */
export async function runInBox(
  lab: Lab,
  progress: Progress = silent,
  { terminal = false, isOld = false, kernelOptions = [] }: BoxOptions = {},
): Promise<Outcomes> {
  const libraries = await ensureRoot(progress);
  const root = isOld ? await ensureOldRoot(progress) : libraries;
  const kernel = await ensureKernel(libraries, progress);
  const program = await ensureNoVsock();
  const run = prepareRun("box", withNoVsock(lab, program), BOX.stepSeconds);
  const hold = [kernel, libraries].flatMap((thing) => ["flock", "--shared", "--no-fork", `${thing}.lock`]);
  const boot = ["bash", labFile("boot.sh"), root, kernel, libraries, run, ...kernelOptions];
  const command = [...hold, ...isolated(root, program), ...boot];
  if (terminal) command.push("ssl0=fd:3,fd:4");
  return await follow({ kind: BOX, lab, run, command, progress, terminal });
}

function withNoVsock(lab: Lab, program: string): Lab {
  return { ...lab, files: { ...lab.files, "/usr/local/bin/no-vsock": program } };
}

/** The start of a command line: no AF_VSOCK, namespaces of its own that end with it, and a hold on the root while it runs. */
function isolated(root: string, noVsock: string): readonly string[] {
  return [
    ...[noVsock, "EAFNOSUPPORT", "flock", "--shared", "--no-fork", `${root}.lock`],
    ...["unshare", "--fork", "--kill-child", "--propagation", "private", "--mount", "--pid", "--net"],
  ];
}

interface Run {
  readonly kind: Kind;
  readonly lab: Lab;
  readonly run: string;
  readonly command: readonly string[];
  readonly progress: Progress;
  readonly terminal?: boolean;
}

/** Starts the lab, tells `progress` what it reports, and returns the outcomes once it has ended. */
async function follow(job: Run): Promise<Outcomes> {
  const { lab, run, terminal = false } = job;
  const abort = new AbortController();
  const child = runChild(job.command, {
    signal: abort.signal,
    stdio: terminal ? ["inherit", "inherit", "pipe"] : ["ignore", "pipe", "pipe"],
  });
  const late = await watchUntilEnd(job, child);
  abort.abort();
  const { exit, output } = await child;
  const report = readReport(run, lab.steps);
  if (!report.isFinished) throw new Error(explainFailure(job, late ?? `ended with status ${exit}`, output));
  trimRun(run);
  keepRuns(KEPT_RUNS);
  return new Map(report.outcomes.map((outcome) => [outcome.name, outcome]));
}

/** Returns when the lab has ended or may be ended; with the reason where that is a failure. */
async function watchUntilEnd(job: Run, child: Promise<Ended>): Promise<string | undefined> {
  let hasEnded = false;
  const end = child.then(() => {
    hasEnded = true;
  });
  const watch = watcher(job);
  while (!hasEnded) {
    await Promise.race([end, sleep(POLL_MS)]);
    const report = readReport(job.run, job.lab.steps);
    const late = watch(report);
    if (late !== undefined) return late;
    // With a terminal the box has to end by itself, so that it leaves the terminal as it found it.
    if (report.isFinished && job.terminal !== true) return undefined;
  }
  return undefined;
}

/** Returns a function that reports what is new, and returns why the lab should be ended, if it should. */
function watcher({ kind, lab, progress }: Run): (report: Report) => string | undefined {
  const begin = performance.now();
  const stepSeconds = lab.steps.reduce((sum, step) => sum + (step.timeoutSeconds ?? kind.stepSeconds), SPARE_SECONDS);
  let readyMs: number | undefined;
  let reported = 0;
  return (report) => {
    const now = performance.now();
    if (readyMs === undefined && report.readySeconds !== undefined) {
      readyMs = now;
      progress(`${kind.name} lab is ready (${formatSeconds(now - begin)})`);
    }
    for (const { name, ms } of report.outcomes.slice(reported)) progress(`${name} (${formatSeconds(ms)})`);
    reported = report.outcomes.length;
    if (readyMs === undefined) {
      return now - begin > kind.readySeconds * 1000 ? `was not ready after ${kind.readySeconds} s` : undefined;
    }
    return now - readyMs > stepSeconds * 1000 ? `did not finish its steps within ${stepSeconds} s` : undefined;
  };
}

function explainFailure({ kind, lab, run }: Run, reason: string, output: string): string {
  const { outcomes } = readReport(run, lab.steps);
  const at = lab.steps[outcomes.length]?.name ?? "the end";
  return [
    `the ${kind.name} lab ${reason}, ${outcomes.length} of ${lab.steps.length} steps done, at: ${at}`,
    consoleTail(run),
    output.trim().slice(-3000),
    `what it wrote is in ${run}`,
  ]
    .filter(Boolean)
    .join("\n");
}
