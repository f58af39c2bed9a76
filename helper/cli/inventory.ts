/** `virtssh inventory`: the live domains with a vsock device, as Ansible's script plugin wants to be told of hosts. */

import type { Domain } from "../endpoint.ts";
import { HelperError } from "../failure.ts";
import { isPassedOver } from "../libvirt/daemons.ts";
import { listDomains } from "../libvirt/list-domains.ts";
import { formatJson } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { formatSuffix } from "../target.ts";

export interface InventoryOptions {
  readonly list: boolean;
  /** The host to tell about. */
  readonly host: string | undefined;
  readonly timeoutSeconds: number;
}

/** Every host, by its name: what it is, and its variables. */
type Hosts = ReadonlyMap<string, { readonly domain: Domain; readonly variables: Variables }>;

type Variables = Readonly<Record<string, unknown>>;

interface Group {
  readonly hosts?: readonly string[];
  readonly children?: readonly string[];
  readonly vars?: Variables;
}

/**
 * What `inventory` prints: one JSON object. A host that is in no list has no variables, as the protocol has it.
 * @throws HelperError
 */
export function formatInventory({ list, host, timeoutSeconds }: InventoryOptions, sys: System): string {
  if (list === (host !== undefined)) {
    throw new HelperError({ kind: "bad-usage", problem: "one of --list and --host is needed", command: "inventory" });
  }
  const { domains, denied } = listDomains({ all: true, deadlineMs: sys.nowMs() + timeoutSeconds * 1000 }, sys);
  // Ansible would take hosts that are missing for hosts that have gone.
  if (denied !== undefined && !isPassedOver(denied.failure)) throw denied;
  const hosts = findHosts(domains);
  const answer = host === undefined ? describeAll(hosts) : (hosts.get(host)?.variables ?? {});
  return `${formatJson(answer)}\n`;
}

function findHosts(domains: readonly Domain[]): Hosts {
  const names = new Set(domains.map(({ uri, name }) => `${uri} ${name}`));
  const live = domains.filter(({ id, cid }) => id >= 0 && cid !== undefined);
  return new Map(live.map((domain) => [nameHost(domain, names), { domain, variables: listVariables(domain) }]));
}

/** The domain's name, or its UUID where the name cannot be typed, or would mean another domain, one that bears its escapes. */
function nameHost({ uri, name, uuid }: Domain, names: ReadonlySet<string>): string {
  const scope = scopeOf(uri);
  const host = formatSuffix(scope, name);
  const text = host.slice(0, -formatSuffix(scope, "").length);
  const isClear = !name.includes("\ufffd") && (text === name || !names.has(`${uri} ${text}`));
  return isClear ? host : formatSuffix(scope, uuid);
}

function scopeOf(uri: Domain["uri"]): "system" | "session" {
  return uri === "qemu:///system" ? "system" : "session";
}

/** The names are those of `resolve --json`. */
function listVariables({ uri, name, uuid, id, state, cid }: Domain): Variables {
  return {
    virtssh_uri: uri,
    virtssh_name: markUnsafe(name),
    virtssh_uuid: uuid,
    virtssh_id: id,
    virtssh_state: state,
    virtssh_cid: cid,
  };
}

/**
 * Ansible takes what a script prints for templates, and would run what a domain's name has in braces (or after `#jinja2:`) on
 * the controller: deserialize_unsafe() in ansible-core's _json/_profiles/_legacy.py.
 */
function markUnsafe(text: string): unknown {
  return /[{#]/.test(text) ? { __ansible_unsafe: text } : text;
}

/** Groups that are there in any case, so that a play may name them where no guest is in them. */
const USUAL = ["virtssh_system", "virtssh_session", "virtssh_running"];

function describeAll(hosts: Hosts): Readonly<Record<string, unknown>> {
  const groups = new Map<string, string[]>(USUAL.map((group) => [group, []]));
  const variables: [string, Variables][] = [];
  for (const [host, one] of hosts) {
    variables.push([host, one.variables]);
    for (const group of listGroups(one.domain)) groups.set(group, [...(groups.get(group) ?? []), host]);
  }
  const all: Group = { children: [...groups.keys()], vars: { ansible_connection: "ssh" } };
  return {
    virtssh: all,
    ...Object.fromEntries([...groups].map(([group, names]): [string, Group] => [group, { hosts: names }])),
    _meta: { hostvars: Object.fromEntries(variables) },
  };
}

/** Letters, digits and underscores, as Ansible wants them. */
function listGroups({ uri, state }: Domain): string[] {
  return [`virtssh_${scopeOf(uri)}`, `virtssh_${state.replaceAll(" ", "_")}`];
}
