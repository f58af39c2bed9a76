/** Why a domain is not given a vsock device, in words. */

import type { DomainFacts, DomainPart } from "../failure-facts.ts";
import { quote, shellQuote } from "../quote.ts";
import { type Explanation, type Kind, virshWord } from "./explanation.ts";

export function explainDevice(
  failure: Kind<"has-vsock-device" | "no-such-part" | "hotplug-refused" | "attach-unanswered">,
): Explanation {
  const { domain } = failure;
  switch (failure.kind) {
    case "has-vsock-device":
      return {
        error: `${describePart(domain, failure.has)} has a vsock device already: it can have only one`,
        hint: hintOther(domain, failure),
      };
    case "no-such-part":
      return failure.part === "live"
        ? {
            error: `domain ${quote(domain.name)} is not running: it can be given a vsock device in its configuration alone`,
            hint: `add one there with: ${enable(domain, "config")}`,
          }
        : {
            error: `domain ${quote(domain.name)} is transient: it has no configuration that a vsock device can be added to`,
            hint: `add one to the running domain with: ${enable(domain, "live")}`,
          };
    case "hotplug-refused":
      return {
        error: `cannot add a vsock device to domain ${quote(domain.name)} while it runs: libvirt refused: ${quote(failure.words)}`,
        hint: hintNextStart(domain, failure.isConfigured),
      };
    case "attach-unanswered":
      return {
        error: `cannot tell whether domain ${quote(domain.name)} is given a vsock device: no answer from libvirt within ${failure.seconds} s`,
        hint: `see later whether it has one with: virtssh enable --dry-run ${shellQuote(domain.target)}`,
      };
  }
}

function describePart({ name }: DomainFacts, part: DomainPart): string {
  return part === "live" ? `domain ${quote(name)}` : `the configuration of domain ${quote(name)}`;
}

/** Whoever wants a second one has trouble with the first. */
function hintOther(domain: DomainFacts, { has, lacks }: Kind<"has-vsock-device">): string {
  if (lacks === "config") return `add one to its configuration, too, with: ${enable(domain, "config")}`;
  if (lacks === "live") return `add one to the running domain, too, with: ${enable(domain, "live")}`;
  if (has === "config") return `start it with: ${virsh("start", domain)}`;
  return `if no ssh gets through to it, see why with: virtssh doctor ${shellQuote(domain.target)}`;
}

function hintNextStart(domain: DomainFacts, isConfigured: boolean | undefined): string {
  if (isConfigured === undefined) {
    return "it is transient: make it anew from XML that has among its devices: <vsock><cid auto='yes'/></vsock>";
  }
  return isConfigured
    ? `its configuration has one, for the next start; shut it down with: ${virsh("shutdown", domain)}`
    : `add one for the next start with: ${enable(domain, "config")}`;
}

function enable({ target }: DomainFacts, part: DomainPart): string {
  return `virtssh enable --${part} ${shellQuote(target)}`;
}

function virsh(command: string, { uri, virshName }: DomainFacts): string {
  return `virsh -c ${uri} ${command} ${virshWord(virshName)}`;
}
