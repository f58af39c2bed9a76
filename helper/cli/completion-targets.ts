/** The targets that what has been typed could become. */

import { type ListedName, listNames } from "../libvirt/list-domains.ts";
import type { System } from "../sys/system.ts";
import { listForms } from "../target.ts";
import type { Candidate, States } from "./completion-words.ts";

/** How long somebody who has pressed a key may wait. */
const LIMIT_MS = 1_000;

/** None where libvirt cannot be asked: whoever is typing must not be told of it. */
export function findTargets(typed: string, states: States, sys: System): Candidate[] {
  try {
    return listTargets(typed, states, listNames(sys, sys.nowMs() + LIMIT_MS));
  } catch {
    return [];
  }
}

export function listTargets(typed: string, states: States, domains: readonly ListedName[]): Candidate[] {
  const ofSystem = new Set(domains.filter(({ uri }) => uri === "qemu:///system").map(({ name }) => name));
  // A name that is no UTF-8 cannot be typed.
  const fit = domains.filter(({ name, isRunning }) => (isRunning || states === "any") && !name.includes("\ufffd"));
  return fit.flatMap(({ uri, name, isRunning }) => {
    const isHidden = uri === "qemu:///session" && ofSystem.has(name);
    const short = isHidden ? [] : listForms("any", name);
    const long = listForms(uri === "qemu:///system" ? "system" : "session", name);
    const description = isRunning ? uri : `${uri}, not running`;
    return choose(typed, short, long).map((word) => ({ word, description }));
  });
}

/** How much has to be typed before any but the first of the forms with a prefix is offered: all that they share. */
const SHARED = "qemu".length;

/** Only forms that the typed text is on its way to: each guest has six, and nobody wants to choose among them. */
function choose(typed: string, short: readonly string[], long: readonly string[]): string[] {
  const fits = (form: string) => form.startsWith(typed);
  const suffixes = [short, long].map((forms) => forms.at(-1)).filter((form) => form !== undefined);
  const suffix = suffixes.find(fits);
  const [first, ...others] = [...short.slice(0, -1), ...long.slice(0, -1)].filter(fits);
  const prefixed = first === undefined || typed === "" ? [] : typed.length > SHARED ? [first, ...others] : [first];
  return [...(suffix === undefined ? [] : [suffix]), ...prefixed];
}
