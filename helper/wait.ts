/** Waits until a guest is ready: its sshd has said its first words. */

import { awaitBanner } from "./banner.ts";
import { connectGuest } from "./connect.ts";
import type { Endpoint, Request } from "./endpoint.ts";
import { type Failure, HelperError, type PassingFailure } from "./failure.ts";
import { describeGuest, locate, recheck, requireEndpoint } from "./libvirt/find-endpoint.ts";
import type { LocatedDomain } from "./libvirt/located-domain.ts";
import { startDomain } from "./libvirt/start-domain.ts";
import { type Descriptor, type System, WokenError } from "./sys/system.ts";

export interface Plan {
  readonly request: Request;
  /** Whether a domain that is shut off is to be started. */
  readonly start: boolean;
  /** Called whenever it is known what the guest still lacks, and every second while that does not change. */
  onLack(lack: PassingFailure): void;
}

/** A guest that has said its first words, which are still to be read. */
export interface Ready {
  readonly guest: Descriptor;
  readonly endpoint: Endpoint;
  readonly banner: string;
}

/** A daemon that has not answered by then will not. */
const DAEMON_LIMIT_MS = 30_000;

/** How long to rest where libvirt has to tell that there is something new: it may have forgotten us. */
const EVENT_LIMIT_MS = 30_000;

/**
 * The kernel tells of no listener that comes up, so it is tried again: at once, and then less and less often. A guest that takes
 * the connection is spared more: systemd's PollLimit allows 50 in 30 s (systemd-ssh-generator), and then closes its socket.
 */
const FIRST_REST_MS = 50;
const MAX_REST_MS = 500;
const MAX_REST_CLOSED_MS = 1_000;

/**
 * How long a connect may take: a guest whose driver is up answers in milliseconds. The kernel keeps the request for a guest whose
 * driver is not, but the answer may be lost as the driver starts (seen: no answer for 2 s to a connect from just before), so that
 * it has to be made again and again.
 */
const FIRST_CONNECT_MS = 250;
const MAX_CONNECT_MS = 1_000;

/** How often `onLack` is called. */
const TICK_MS = 1_000;

/** @throws HelperError not-ready, and whatever time alone does not change; ClientGoneError */
export function waitForGuest(plan: Plan, sys: System): Ready {
  const wait = new Wait(plan, sys);
  for (;;) {
    const ready = wait.follow();
    if (ready !== undefined) return ready;
  }
}

class Wait {
  readonly #plan: Plan;
  readonly #sys: System;
  readonly #startedMs: number;
  #restMs = FIRST_REST_MS;
  #connectMs = FIRST_CONNECT_MS;
  #attemptMs = 0;
  #lastLack: PassingFailure | undefined;
  /** Whether the target means anything: from then on a daemon that goes away is waited for. */
  #isKnown = false;

  constructor(plan: Plan, sys: System) {
    this.#plan = plan;
    this.#sys = sys;
    this.#startedMs = sys.nowMs();
  }

  /** Follows the domain until its guest is ready; undefined where its daemon has gone away, and may be back. */
  follow(): Ready | undefined {
    try {
      using located = locate(this.#requestBy(DAEMON_LIMIT_MS), this.#sys);
      this.#isKnown = true;
      located?.watch();
      if (this.#plan.start && located !== undefined) startDomain(located, this.#sys, this.#deadlineMs);
      return this.#tryUntilReady(located);
    } catch (error) {
      const lack = findLack(error, this.#isKnown ? DAEMON_GONE : []);
      if (lack === undefined) throw error;
      this.#note(lack);
      this.#rest(lack, undefined);
      return undefined;
    }
  }

  get #deadlineMs(): number {
    return this.#plan.request.deadlineMs;
  }

  #requestBy(limitMs: number): Request {
    return { ...this.#plan.request, deadlineMs: Math.min(this.#deadlineMs, this.#sys.nowMs() + limitMs) };
  }

  #tryUntilReady(located: LocatedDomain | undefined): Ready {
    for (;;) {
      try {
        return this.#try(located);
      } catch (error) {
        if (error instanceof WokenError) continue;
        const lack = findLack(error, GUEST_LACKS) ?? this.#findLastLack(error);
        if (lack === undefined) throw error;
        this.#note(lack);
        this.#rest(lack, located);
      }
    }
  }

  #try(located: LocatedDomain | undefined): Ready {
    const endpoint = this.#findEndpoint(located);
    this.#attemptMs = this.#sys.nowMs();
    const until = { deadlineMs: this.#deadlineMs, wakerFd: located?.connection.wakerFd };
    const connectBy = Math.min(this.#deadlineMs, this.#sys.nowMs() + this.#connectMs);
    const guest = connectGuest(endpoint, { ...until, deadlineMs: connectBy }, this.#sys);
    try {
      const banner = awaitBanner(guest, { endpoint, until }, this.#sys);
      if (banner === undefined) throw new HelperError({ kind: "guest-mute", guest: describeGuest(endpoint) });
      recheck(located, endpoint)(); // not before: its answer would wake us
      return { guest, endpoint, banner };
    } catch (error) {
      guest[Symbol.dispose]();
      throw error;
    }
  }

  #findEndpoint(located: LocatedDomain | undefined): Endpoint {
    const request = this.#requestBy(DAEMON_LIMIT_MS);
    located?.connection.extend(request.deadlineMs);
    located?.connection.hasNews(); // what it tells is what is read now
    return requireEndpoint(request, located?.refresh(), this.#sys);
  }

  /** A daemon that had no time left to answer says nothing of the guest: what it lacked before is the failure. */
  #findLastLack(error: unknown): PassingFailure | undefined {
    const isLate = error instanceof HelperError && error.failure.kind === "daemon-silent";
    return isLate && this.#sys.nowMs() >= this.#deadlineMs ? this.#lastLack : undefined;
  }

  /** Whether the guest had no time to answer an attempt that began shortly before the deadline. */
  #isTooShort({ kind }: PassingFailure): boolean {
    return (kind === "guest-silent" || kind === "guest-mute") && this.#sys.nowMs() - this.#attemptMs < FIRST_CONNECT_MS;
  }

  /** @throws HelperError not-ready */
  #note(lack: PassingFailure): void {
    this.#connectMs = lack.kind === "guest-silent" ? Math.min(2 * this.#connectMs, MAX_CONNECT_MS) : FIRST_CONNECT_MS;
    const nowMs = this.#sys.nowMs();
    if (nowMs >= this.#deadlineMs) {
      const seconds = Math.round((nowMs - this.#startedMs) / 1000);
      const because = this.#isTooShort(lack) ? (this.#lastLack ?? lack) : lack;
      throw new HelperError({ kind: "not-ready", seconds, because });
    }
    this.#lastLack = lack;
    this.#plan.onLack(lack);
  }

  /** Until something may have changed. */
  #rest(lack: PassingFailure, located: LocatedDomain | undefined): void {
    const untilMs = Math.min(this.#deadlineMs, this.#sys.nowMs() + this.#chooseRest(lack));
    while (this.#sys.nowMs() < untilMs && located?.connection.hasNews() !== true) {
      const tickMs = Math.min(untilMs, this.#sys.nowMs() + TICK_MS);
      if (located === undefined) this.#sys.pause(tickMs - this.#sys.nowMs());
      else this.#sys.hasInput(located.connection.wakerFd, tickMs);
      this.#plan.onLack(lack);
    }
  }

  #chooseRest({ kind }: PassingFailure): number {
    if (kind === "domain-stopped") return EVENT_LIMIT_MS;
    if (kind === "guest-silent" || kind === "guest-changed" || kind === "guest-mute") return 0; // it has been waited for
    const restMs = this.#restMs;
    this.#restMs = Math.min(2 * restMs, kind === "guest-closed" ? MAX_REST_CLOSED_MS : MAX_REST_MS);
    return restMs;
  }
}

const GUEST_LACKS: readonly Failure["kind"][] = [
  "domain-stopped",
  "no-guest-at-cid",
  "guest-refused",
  "guest-silent",
  "guest-unreachable",
  "guest-closed",
  "guest-mute",
  "guest-changed",
];

const DAEMON_GONE: readonly Failure["kind"][] = ["daemon-closed", "no-daemon"];

/** The failure, if it is one of those that time may bring right. */
function findLack(error: unknown, kinds: readonly Failure["kind"][]): PassingFailure | undefined {
  if (!(error instanceof HelperError)) return undefined;
  return kinds.includes(error.failure.kind) ? (error.failure as PassingFailure) : undefined; // which is what the kinds say
}
