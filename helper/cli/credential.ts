/** `virtssh keys credential`: keys for root, by a systemd credential in a domain's configuration. */

import {
  CREDENTIAL,
  findCredential,
  formatCredentialString,
  isCredential,
  readCredentialString,
} from "../authorized-keys/credential.ts";
import { formatKey, listKeyFacts } from "../authorized-keys/describe-key.ts";
import { readKeyFile } from "../authorized-keys/key-file.ts";
import type { AuthorizedKey } from "../authorized-keys/key-line.ts";
import { HelperError } from "../failure.ts";
import { isSameKey } from "../hostkeys/host-key.ts";
import { changeConfiguration, parse } from "../libvirt/configuration.ts";
import { describeDomain } from "../libvirt/find-endpoint.ts";
import type { LocatedDomain } from "../libvirt/located-domain.ts";
import { readSmbios, renderOemString, replaceOemStrings, SMBIOS_MODE, type Smbios } from "../libvirt/oem-strings.ts";
import { resolveAt } from "../libvirt/resolve.ts";
import { findPlaces } from "../libvirt/sockets.ts";
import { escapeUnsafe, formatJson, quote, shellQuote } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { parseTarget } from "../target.ts";
import { encodeUtf8 } from "../utf8.ts";

export interface CredentialOptions {
  /** Public keys; `-` for standard input; undefined to show what there is. */
  readonly file: string | undefined;
  readonly act: "show" | "apply" | "remove";
  readonly json: boolean;
  readonly timeoutSeconds: number;
}

/** Returns what is to be printed. @throws HelperError */
export function formatCredential(text: string, options: CredentialOptions, sys: System): string {
  const { file, act, timeoutSeconds } = options;
  const target = parseTarget(text);
  if (target.kind === "vsock") throw misuse("a credential is given to a domain, not to a CID");
  if (act === "apply" && file === undefined) throw misuse("--apply takes a FILE of public keys");
  if (act === "remove" && file !== undefined) throw misuse("--remove takes no FILE: it takes out all keys");
  // First, since it may take as long as somebody types: nothing may change between what is read and what is written.
  const keys = file === undefined ? undefined : readKeyFile(file, sys.nowMs() + timeoutSeconds * 1000, sys);
  const deadlineMs = sys.nowMs() + timeoutSeconds * 1000;
  using located = resolveAt({ target, places: findPlaces(target.scope, sys) }, sys, deadlineMs);
  const state = readState(located);
  const wanted = keys === undefined ? undefined : formatCredentialString(keys);
  if (wanted !== undefined) requireFit(located, state.smbios, wanted);
  const edit = (xml: Uint8Array) => replaceOemStrings(xml, { isReplaced: isCredential, value: wanted }, sys);
  const isChanged = act !== "show" && changeConfiguration({ located, edit, deadlineMs }, sys);
  const found: Finding = { located, state, keys: keys ?? (act === "remove" ? [] : state.keys), isChanged, wanted };
  return options.json
    ? formatFacts(found, act)
    : formatLines([...describeChange(found, options), ...tellRest(found, act)]);
}

function misuse(problem: string): HelperError {
  return new HelperError({ kind: "bad-usage", problem, command: "keys credential" });
}

interface State {
  readonly smbios: Smbios;
  /** The credential, as an OEM string; undefined where the guest gets none. */
  readonly credential: string | undefined;
  readonly keys: readonly AuthorizedKey[];
  readonly isSaved: boolean;
}

interface Finding {
  readonly located: LocatedDomain;
  /** As it was before. */
  readonly state: State;
  /** As they are afterwards, or would be. */
  readonly keys: readonly AuthorizedKey[];
  readonly isChanged: boolean;
  /** What was asked to be written. */
  readonly wanted: string | undefined;
}

/** Processors whose machines have SMBIOS in QEMU: the option -smbios in its qemu-options.hx. */
const WITH_SMBIOS = /^(?:i686|x86_64|aarch64|arm|loongarch64|riscv)/;

/** @throws HelperError */
function readState(located: LocatedDomain): State {
  const configuration = located.readConfiguration();
  if (configuration === undefined) {
    throw new HelperError({ kind: "no-configuration", domain: describeDomain(located.domain) });
  }
  const smbios = parse(located.connection.path, () => readSmbios(configuration.xml, located.connection.sys));
  const credential = smbios.mode === "sysinfo" ? findCredential(smbios.strings) : undefined;
  const keys = credential === undefined ? [] : readCredentialString(credential);
  return { smbios, credential, keys, isSaved: configuration.isSaved };
}

/**
 * Of all OEM strings. SeaBIOS has 256 KiB for tables and drivers where a guest has little memory (BUILD_MIN_HIGHTABLE in its config.h),
 * and ACPI's take half of it: with 39,000 bytes of strings a guest came up without ACPI, under SeaBIOS 1.16.3, and with 37,000 it did
 * not. With more than 65,535 (SMBIOS 3.6, 5.2.1, structure table length) an older machine does not start at all.
 */
const MAX_STRINGS_BYTES = 16_384;

/** @throws HelperError where the domain can have no such credential */
function requireFit(located: LocatedDomain, { arch = "", mode, strings }: Smbios, wanted: string): void {
  const domain = describeDomain(located.domain);
  if (!WITH_SMBIOS.test(arch)) throw new HelperError({ kind: "no-smbios", domain, arch });
  if (mode === "host") throw new HelperError({ kind: "host-smbios", domain });
  const all = [...strings.filter((string) => !isCredential(string)), wanted];
  const bytes = all.reduce((sum, string) => sum + encodeUtf8(string).length + 1, 0);
  if (bytes <= MAX_STRINGS_BYTES) return;
  const facts = { bytes, maxBytes: MAX_STRINGS_BYTES };
  throw new HelperError({ kind: "credential-too-large", domain, ...facts });
}

function formatLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** One object: uri, name, uuid, changed, element, keys. */
function formatFacts({ located, state, keys, isChanged, wanted }: Finding, act: CredentialOptions["act"]): string {
  const { uri, name, uuid } = located.domain;
  const string = act === "remove" ? undefined : (wanted ?? state.credential);
  const element = string === undefined ? null : renderOemString(string);
  return `${formatJson({ uri, name, uuid, changed: isChanged, element, keys: keys.map(listKeyFacts) })}\n`;
}

function describeChange(found: Finding, { act, file }: CredentialOptions): string[] {
  const { located, state, keys, isChanged, wanted } = found;
  const owner = `the configuration of domain ${quote(located.domain.name)}`;
  if (act === "remove") {
    return [`${owner} has no credential ${CREDENTIAL}${isChanged ? " any more" : ""}`, ...listKeys([], state.keys)];
  }
  if (act === "apply") {
    return [
      `${owner} has the credential ${CREDENTIAL} ${isChanged ? "now" : "already"}`,
      ...listKeys(keys, state.keys),
    ];
  }
  if (wanted !== undefined && file !== undefined) return describePlan(found, wanted, file);
  if (state.credential === undefined) return [`${owner} has no credential ${CREDENTIAL}`];
  return [
    `${owner} has the credential ${CREDENTIAL}: ${renderOemString(escapeUnsafe(state.credential))}`,
    ...listKeys(keys, keys),
  ];
}

/** What `--apply` would do. */
function describePlan({ located, state, keys }: Finding, wanted: string, file: string): string[] {
  const { name, target } = describeDomain(located.domain);
  const owner = `the configuration of domain ${quote(name)}`;
  if (state.credential === wanted && state.smbios.strings.filter(isCredential).length === 1)
    return [`${owner} has the credential ${CREDENTIAL} already`, ...listKeys(keys, keys)];
  return [
    `would write to ${owner}: ${renderOemString(wanted)}`,
    ...(state.smbios.mode === "sysinfo" ? [] : [`would write to ${owner}: ${SMBIOS_MODE}`]),
    ...listKeys(keys, state.keys),
    `write it with: virtssh keys credential --apply ${shellQuote(target)} ${shellQuote(file)}`,
  ];
}

/** Those that are there afterwards, and those that are gone: as `diff` marks them. */
function listKeys(after: readonly AuthorizedKey[], before: readonly AuthorizedKey[]): string[] {
  const has = (keys: readonly AuthorizedKey[], { key, options }: AuthorizedKey) =>
    keys.some((one) => isSameKey(one.key, key) && one.options === options);
  const show = (mark: string, key: AuthorizedKey) => `${mark} ${formatKey(key)}`;
  return [
    ...after.map((key) => show(has(before, key) ? " " : "+", key)),
    ...before.filter((key) => !has(after, key)).map((key) => show("-", key)),
  ];
}

/** What is still to be done, or known. */
function tellRest({ located, state, isChanged }: Finding, act: CredentialOptions["act"]): string[] {
  if (!isChanged) return [];
  return [...tellStart(located, state), ...tellGuest(located, state, act)];
}

function tellStart({ domain }: LocatedDomain, { isSaved }: State): string[] {
  if (domain.id >= 0) return ["the running domain is as it was until it is shut down and started again"];
  if (isSaved) return ["the next start restores what managedsave has saved; the start after that sees the change"];
  return [`start it with: virtssh wait --start ${shellQuote(describeDomain(domain).target)}`];
}

/** tmpfiles.d/provision.conf of systemd. */
function tellGuest({ domain }: LocatedDomain, { smbios }: State, act: CredentialOptions["act"]): string[] {
  if (act === "remove") {
    const target = shellQuote(describeDomain(domain).target);
    return [
      `keys that the guest has taken stay in it; take them out with: virtssh keys remove ${target} --user root FILE`,
    ];
  }
  const shows =
    smbios.mode !== "sysinfo" && smbios.hasMore
      ? ["the guest sees the other strings of its <sysinfo> from then on, too"]
      : [];
  return ["the guest takes them at its boot, if root has no authorized_keys file yet", ...shows];
}
