/** What is wrong with a domain, in words. */

import type { Candidate, DomainFacts, StoppedState } from "../failure-facts.ts";
import { quote, shellQuote } from "../quote.ts";
import { describeState, type Explanation, type Kind, virshWord } from "./explanation.ts";

export function explainDomain(
  failure: Kind<"domain-not-found" | "domain-ambiguous" | "domain-stopped" | "no-vsock-device">,
): Explanation {
  switch (failure.kind) {
    case "domain-not-found":
      return {
        error: `cannot find domain ${quote(failure.name)} in ${failure.uris.join(" or ")}`,
        hint: hintNear(failure.near) ?? "list the domains with: virtssh list --all",
      };
    case "domain-ambiguous":
      return explainAmbiguity(failure);
    case "domain-stopped":
      return {
        error: `domain ${quote(failure.domain.name)} ${describeState(failure.state)}`,
        hint: hintSession(failure.domain) ?? hintStart(failure.domain, failure.state),
      };
    case "no-vsock-device":
      return {
        error: `domain ${quote(failure.domain.name)} has no vsock device`,
        hint: hintSession(failure.domain) ?? `add one with: virtssh enable ${shellQuote(failure.domain.target)}`,
      };
  }
}

function hintNear(near: readonly Candidate[] = []): string | undefined {
  if (near.length === 0) return undefined;
  return `did you mean ${near.map(({ target }) => shellQuote(target)).join(" or ")}?`;
}

function explainAmbiguity({ name, candidates }: Kind<"domain-ambiguous">): Explanation {
  const uris = [...new Set(candidates.map((candidate) => candidate.uri))];
  const names = candidates.map((candidate) => quote(candidate.name));
  const targets = candidates.map((candidate) => shellQuote(candidate.target));
  return {
    error: `domain ${quote(name)} is ambiguous in ${uris.join(" and ")}: ${names.join(" and ")} differ only in case`,
    hint: `use ${targets.join(" or ")}`,
  };
}

function hintSession({ inSession }: DomainFacts): string | undefined {
  return inSession === undefined ? undefined : `qemu:///session has one that runs: use ${shellQuote(inSession)}`;
}

const REMEDIES: Readonly<Record<StoppedState, string>> = {
  paused: "resume it with: virsh -c URI resume NAME",
  "in shutdown": "wait until it is shut off, or end it with: virsh -c URI destroy NAME",
  "shut off": "start it with: virsh -c URI start NAME",
  crashed: "start it again with: virsh -c URI destroy NAME && virsh -c URI start NAME",
  pmsuspended: "wake it up with: virsh -c URI dompmwakeup NAME",
};

function hintStart({ virshName, uri }: DomainFacts, state: StoppedState): string {
  return REMEDIES[state].replaceAll("URI", uri).replaceAll("NAME", () => virshWord(virshName));
}
