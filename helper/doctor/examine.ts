/** Walks the way that `ssh TARGET` would take, one finding a step. It changes nothing; like ssh, it may start a session daemon. */

import type { Request } from "../endpoint.ts";
import { findPlaces } from "../libvirt/sockets.ts";
import { quote } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { chooseTarget, type DomainTarget, parsePort, type Target } from "../target.ts";
import { checkControlPath, checkDropIn } from "./drop-in.ts";
import { checkGuest } from "./guest.ts";
import { checkKernel, checkPlaces } from "./host.ts";
import { checkKeyCheck, type KeyCheck } from "./key-check.ts";
import { type Finding, type Passed, Report } from "./report.ts";
import { checkHelper, checkShell } from "./shell.ts";
import { type Context, checkVersion, readConfiguration } from "./ssh.ts";
import type { Configuration } from "./ssh-output.ts";

/** In place of a target: ssh's configuration is asked about some name, and libvirt about none. */
const SOME_HOST = "qemu/NAME";
const NO_DOMAIN: DomainTarget = { kind: "domain", scope: "any", name: "", folded: false };

const SSH_PORT = 22;

/** Without `typed`, what a person would type after `ssh`, only the steps that are the same for every target. */
export function examine(typed: string | undefined, deadlineMs: number, sys: System): Finding[] {
  const report = new Report({ sys, deadlineMs });
  const context: Context = { sys, deadlineMs, host: typed ?? SOME_HOST };
  const { configuration, keyCheck } = checkClient(report, context);
  report.check("kernel", () => checkKernel(sys));
  if (typed === undefined) {
    checkLibvirt(report, NO_DOMAIN, context);
    return report.findings;
  }
  const request = report.check("target", () => chooseRequest(configuration, context));
  const isServed = checkLibvirt(report, request?.target ?? NO_DOMAIN, context);
  checkGuest(report, { request: isServed ? request : undefined, keyCheck }, sys);
  return report.findings;
}

/** What ssh's part of the way has found, as far as it holds. */
interface Client {
  readonly configuration: Configuration | undefined;
  readonly keyCheck: KeyCheck | undefined;
}

function checkClient(report: Report, context: Context): Client {
  const version = report.check("ssh", () => checkVersion(context));
  const configuration = report.after("ssh configuration", version, () => readConfiguration(context));
  const program = report.after("drop-in", configuration, (given) => checkDropIn(given, context));
  const known = configuration === undefined || program === undefined ? undefined : { configuration, program };
  const keyCheck = report.after("host key check", known, (given) => {
    return checkKeyCheck(given.configuration, given.program, context);
  });
  report.after("control path", configuration, (given) => checkControlPath(given, context));
  const shell = report.check("shell", () => checkShell(context));
  const both = shell === undefined || program === undefined ? undefined : { shell, program };
  report.after("helper", both, (given) => checkHelper(given.shell, given.program, context));
  return { configuration, keyCheck };
}

/** What the drop-in would hand over, %h, %n and %p; without ssh's configuration, what was typed. @throws HelperError bad-target */
function chooseRequest(configuration: Configuration | undefined, { host, deadlineMs }: Context): Passed<Request> {
  const { settings } = configuration ?? { settings: new Map<string, string>() };
  const target = chooseTarget(settings.get("hostname") ?? host, settings.get("host") ?? host);
  const port = parsePort(settings.get("port") ?? String(SSH_PORT));
  return { value: { target, port, deadlineMs }, detail: `${describeTarget(target)}, vsock port ${port}` };
}

function describeTarget(target: Target): string {
  if (target.kind === "vsock") return `cid ${target.cid}`;
  return `domain ${quote(target.name)}${target.folded ? ", in any case" : ""}`;
}

/** Whether a daemon answers; for a bare CID, of which none is asked, as if one did. */
function checkLibvirt(report: Report, target: Target, { sys, deadlineMs }: Context): boolean {
  if (target.kind === "vsock") return true;
  const findings = report.tell("libvirt", () => {
    return checkPlaces({ target, places: findPlaces(target.scope, sys), deadlineMs }, sys);
  });
  report.findings.push(...(findings ?? []));
  return findings?.some(({ outcome }) => outcome === "ok") === true;
}
