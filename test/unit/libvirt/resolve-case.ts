// A target, the system that it is resolved in, and the checks that every such case has to pass.

import { expect } from "vitest";
import { resolveAt } from "../../../helper/libvirt/resolve.ts";
import { findPlaces } from "../../../helper/libvirt/sockets.ts";
import { type DomainTarget, parseTarget } from "../../../helper/target.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { FakeLibvirtd, type FakeLibvirtdOptions } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem, type FakeSystemOptions } from "../../fakes/fake-system.ts";

export const UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";
const LIMIT_MS = 30_000;

/** A daemon with these domains; a name alone is a running domain. */
export function daemon(domains: readonly (string | FakeDomain)[], options: FakeLibvirtdOptions = {}): FakeLibvirtd {
  const known = domains.map((domain) => (typeof domain === "string" ? { name: domain, cid: 7 } : domain));
  return new FakeLibvirtd({ domains: known, ...options });
}

/** A system, what is asked of it, and whether ssh may have folded the name. */
export interface Case extends FakeSystemOptions {
  readonly ask: string;
  readonly how?: "folded";
}

export function resolveIn(sys: FakeSystem, { ask, how }: Case) {
  const target = parseTarget(ask);
  if (target.kind !== "domain") throw new Error("not a domain");
  const startedMs = sys.nowMs();
  try {
    const folded: DomainTarget = { ...target, folded: how === "folded" };
    using located = resolveAt({ target: folded, places: findPlaces(target.scope, sys) }, sys, startedMs + LIMIT_MS);
    return located.domain;
  } finally {
    expect(sys.openDescriptors).toEqual([]);
    expect(sys.nowMs() - startedMs).toBeLessThanOrEqual(LIMIT_MS);
  }
}

export function resolve(asked: Case) {
  return resolveIn(new FakeSystem(asked), asked);
}

/** What is found, in short. */
export function find(asked: Case): string {
  const { uri, name } = resolve(asked);
  return `${name} in ${uri}`;
}
