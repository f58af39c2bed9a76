// A host on which all is well, but for what is told: ssh and a shell as programs whose output is captured, and the files they go by.

import { examine } from "../../../helper/doctor/examine.ts";
import type { Finding } from "../../../helper/doctor/report.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import { FakeLibvirtd } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem, type FakeSystemOptions } from "../../fakes/fake-system.ts";

export const DROP_IN = "/etc/ssh/ssh_config.d/25-virtssh.conf";
export const OURS = "/usr/bin/virtssh proxy --fdpass --typed '%n' -- '%h' %p";

export const ASKS = "/usr/bin/virtssh known-hosts -- %I %t %K %n";

type Capture = (args: readonly string[]) => { status: number; output: string };

/** What `ssh -G` says; a setting that is undefined is not there. */
export interface FakeSsh {
  readonly settings?: Readonly<Record<string, string | undefined>>;
  /** Lines of its story, after those of the drop-in. */
  readonly story?: readonly string[];
  readonly version?: string;
  /** In place of all that `ssh -G` says. */
  readonly refusal?: string;
}

export const DROP_IN_APPLIES = [
  `debug1: Reading configuration data ${DROP_IN}`,
  "debug2: checking match for 'host \"qemu/*\"' host qemu/web originally qemu/web",
  `debug3: ${DROP_IN} line 1: matched 'host "qemu/web"' `,
  "debug2: match found",
];

export const FILES: Readonly<Record<string, FakeFile>> = {
  "/dev/vhost-vsock": {},
  "/usr/bin/virtssh": {},
  [DROP_IN]: {
    text: `Match host "qemu/*"\n    ProxyCommand ${OURS}\n    ProxyUseFdpass yes\n    KnownHostsCommand ${ASKS}\n`,
  },
};

/** `ssh -V`, and `ssh -G`. */
export function makeSsh({ settings, story = DROP_IN_APPLIES, version = "OpenSSH_10.0p2", refusal }: FakeSsh): Capture {
  return (args) => {
    if (args[0] === "-V") return { status: 0, output: `${version}, OpenSSL 3.5\r\n` };
    if (refusal !== undefined) return { status: 255, output: refusal };
    const host = args.at(-1) ?? "";
    const all = {
      ...{ host, hostname: host.toLowerCase(), port: "22", controlmaster: "false" },
      ...{ proxyusefdpass: "yes", proxycommand: OURS, stricthostkeychecking: "ask", knownhostscommand: ASKS },
      ...{ userknownhostsfile: "none", globalknownhostsfile: "none" },
      ...settings,
    };
    const lines = Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${value}`]));
    return { status: 0, output: `${[...story, ""].join("\r\n")}${lines.join("\n")}\n` };
  };
}

/** virtssh as ssh's KnownHostsCommand, where no key is known yet. */
export function answerSsh(words: readonly string[]): { status: number; output: string } {
  const isRight = words.join(" ").startsWith("known-hosts -- ORDER NONE NONE ");
  return isRight ? { status: 0, output: "" } : { status: 2, output: "virtssh: error: wrong usage\n" };
}

/** Runs `exit N`, and any program that is virtssh. */
export function runShell([, command = ""]: readonly string[]): { status: number; output: string } {
  const status = /^exit (\d+)$/.exec(command)?.[1];
  if (status !== undefined) return { status: Number(status), output: "" };
  const program = /^exec (.*) --version$/.exec(command)?.[1];
  return program === "/usr/bin/virtssh"
    ? { status: 0, output: "virtssh 1.2.3\n" }
    : { status: 127, output: `sh: 1: exec: ${program}: not found\n` };
}

export const UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";
export const WEB: FakeDomain = { name: "web", uuid: UUID, id: 12, cid: 7 };
export const BANNER = "SSH-2.0-OpenSSH_10.0p2";
export const TIMEOUT_MS = 30_000;

export interface Setting extends FakeSystemOptions {
  readonly ssh?: FakeSsh;
  readonly domain?: FakeDomain;
}

/** A host and a guest on which all is well, but for what is told. */
export function makeSystem({ ssh = {}, domain = WEB, ...options }: Setting = {}): FakeSystem {
  return new FakeSystem({
    system: new FakeLibvirtd({ domains: [domain] }),
    userId: 0,
    vsock: { "7:22": "connected" },
    streams: { 8: { incoming: [`${BANNER}\r\n`] } },
    ...options,
    captures: { ssh: makeSsh(ssh), "/bin/sh": runShell, "/usr/bin/virtssh": answerSsh, ...options.captures },
    files: { ...FILES, ...options.files },
  });
}

export function find(setting: Setting, target: string | undefined = "qemu/web"): Finding[] {
  const sys = makeSystem(setting);
  return examine(target, sys.nowMs() + TIMEOUT_MS, sys);
}

/** The outcome of each step, by its name. */
export function outcomes(findings: readonly Finding[]): Record<string, string> {
  return Object.fromEntries(findings.map(({ step, outcome }) => [step, outcome]));
}

export function findStep(findings: readonly Finding[], name: string): Finding | undefined {
  return findings.find(({ step }) => step === name);
}
