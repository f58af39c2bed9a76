/** `virtssh wait`: returns when the guest's sshd has said its first words. */

import { HelperError } from "../failure.ts";
import { Progress } from "../progress.ts";
import { escapeUnsafe, quote } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { parseTarget } from "../target.ts";
import { type Ready, waitForGuest } from "../wait.ts";

export interface WaitOptions {
  readonly start: boolean;
  readonly timeoutSeconds: number;
  readonly port: number;
}

/** @throws HelperError, ClientGoneError */
export function runWait(text: string, { start, timeoutSeconds, port }: WaitOptions, sys: System): void {
  const startedMs = sys.nowMs();
  const target = parseTarget(text);
  if (start && target.kind === "vsock") {
    throw new HelperError({ kind: "bad-usage", problem: "--start needs a domain, not a CID", command: "wait" });
  }
  using progress = new Progress(sys);
  const request = { target, port, deadlineMs: startedMs + timeoutSeconds * 1000 };
  const ready = waitForGuest({ request, start, onLack: (lack) => progress.show(lack) }, sys);
  ready.guest[Symbol.dispose]();
  progress.end(describeReady(ready, (sys.nowMs() - startedMs) / 1000));
}

function describeReady({ endpoint: { domain, address }, banner }: Ready, seconds: number): string {
  const who = domain === undefined ? `cid ${address.cid}` : `domain ${quote(domain.name)}`;
  return `virtssh: ${who} is ready after ${seconds.toFixed(1)} s: ${escapeUnsafe(banner)}`;
}
