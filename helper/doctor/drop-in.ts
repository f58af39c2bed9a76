/** Whether ssh would start virtssh for a target, and could keep what it is handed. */

import { type Failure, HelperError } from "../failure.ts";
import { isThere } from "../libvirt/diagnosis.ts";
import { quote } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { isVirtssh } from "./command-words.ts";
import { at, findSource, locate, type Source } from "./config-line.ts";
import type { Passed } from "./report.ts";
import type { Context } from "./ssh.ts";
import type { Configuration } from "./ssh-output.ts";

/** The drop-in in /etc, and the file of `virtssh setup`. */
const OUR_FILES = /\/(?:25-)?virtssh\.conf$/;

/** A ProxyCommand's first word, as the shell has it, where `proxy` is the second. */
const RUNS_PROXY = /^((?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\])+)\s+proxy\s/;

/** The ProxyCommand's program, as it is written there. @throws HelperError jump-host, not-our-proxy, fdpass-mismatch */
export function checkDropIn(configuration: Configuration, { host, sys }: Context): Passed<string> {
  const { settings } = configuration;
  const jump = settings.get("proxyjump");
  if (jump !== undefined && jump !== "none") {
    throw new HelperError({
      kind: "jump-host",
      host,
      jump,
      ...at(findSource(configuration, { keyword: "proxyjump" }, sys)),
    });
  }
  const command = settings.get("proxycommand");
  const program = RUNS_PROXY.exec(command ?? "")?.[1];
  if (command === undefined || program === undefined || !isVirtssh(program))
    throw describeOther(configuration, { host, command }, sys);
  const source = findSource(configuration, { keyword: "proxycommand", value: command }, sys);
  checkFdpass(configuration, command, sys);
  return { value: program, detail: `runs ${quote(command)}${locate(source)}` };
}

function describeOther(
  configuration: Configuration,
  { host, command }: { readonly host: string; readonly command: string | undefined },
  sys: System,
): HelperError {
  const source = findSource(configuration, { keyword: "proxycommand", value: command ?? "none" }, sys);
  const fdpass = command === undefined ? undefined : findFdpassElsewhere(configuration, source, sys);
  return new HelperError({
    kind: "not-our-proxy",
    host,
    ...(command === undefined ? {} : { command }),
    ...at(source),
    ...(fdpass === undefined ? {} : { fdpassAt: { path: fdpass.path, line: fdpass.line } }),
    dropIn: findDropIn(configuration),
  });
}

/** Whoever sets both in one block means it; else ssh waits, without limit, for a descriptor that nobody thinks of: mm_receive_fd. */
function findFdpassElsewhere(
  configuration: Configuration,
  command: Source | undefined,
  sys: System,
): Source | undefined {
  if (configuration.settings.get("proxyusefdpass") !== "yes") return undefined;
  const fdpass = findSource(configuration, { keyword: "proxyusefdpass", value: "yes" }, sys);
  const isSameBlock = fdpass?.path === command?.path && fdpass?.block?.line === command?.block?.line;
  return isSameBlock ? undefined : fdpass;
}

function findDropIn({ blocks }: Configuration): Extract<Failure, { readonly kind: "not-our-proxy" }>["dropIn"] {
  const ours = blocks.filter(({ path }) => OUR_FILES.test(path));
  if (ours.length === 0) return "not read";
  return ours.some(({ line }) => line > 0) ? "too late" : "not for it";
}

/** Without --fdpass virtssh hands over no descriptor; with it, and an ssh that takes none, it relays. */
function checkFdpass(configuration: Configuration, command: string, sys: System): void {
  const takes = configuration.settings.get("proxyusefdpass") === "yes";
  if (!takes || /\s--fdpass(\s|$)/.test(command)) return;
  const keyword = "proxyusefdpass";
  throw new HelperError({ kind: "fdpass-mismatch", ...at(findSource(configuration, { keyword }, sys)) });
}

/** @throws HelperError control-path */
export function checkControlPath(configuration: Configuration, { sys }: Context): Passed<true> {
  const { settings } = configuration;
  const path = settings.get("controlpath") ?? "none";
  // Without ControlMaster ssh only looks whether somebody listens there.
  if (path === "none" || settings.get("controlmaster") === "false")
    return { value: true, detail: "no connection is shared" };
  const directory = path.slice(0, Math.max(1, path.lastIndexOf("/")));
  if (isThere(sys, directory)) return { value: true, detail: quote(path) };
  const names = [settings.get("host"), settings.get("hostname")];
  throw new HelperError({
    kind: "control-path",
    path,
    directory,
    hasName: names.some((name) => name?.includes("/") === true && path.includes(name)),
    ...at(findSource(configuration, { keyword: "controlpath" }, sys)),
  });
}
