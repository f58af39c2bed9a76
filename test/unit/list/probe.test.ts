// Whose turn it is to be asked, where there are few descriptors, and little time.

import { expect, test } from "vitest";
import type { ListedDomain } from "../../../helper/libvirt/list-domains.ts";
import { type Prober, probeGuests } from "../../../helper/list/probe.ts";
import { EMFILE, ETIMEDOUT } from "../../../helper/sys/errno.ts";
import { SystemError } from "../../../helper/sys/system.ts";

const DOMAINS = Array.from(
  { length: 100 },
  (_, index): ListedDomain => ({
    uri: "qemu:///system",
    socketPath: "/run/libvirt/libvirt-sock-ro",
    name: `vm${index}`,
    uuid: String(index),
    id: index + 1,
    state: "running",
    cid: index + 3,
  }),
);

/** Has so many descriptors, and guests that do not answer. */
class SilentGuests implements Prober {
  clockMs = 0;
  readonly asked: number[] = [];
  readonly #descriptors: number;

  constructor(descriptors: number) {
    this.#descriptors = descriptors;
  }

  nowMs = () => this.clockMs;

  probeVsock: Prober["probeVsock"] = (addresses, deadlineMs) => {
    if (addresses.length > this.#descriptors) throw new SystemError("socket", EMFILE);
    this.asked.push(addresses.length);
    this.clockMs = deadlineMs;
    return addresses.map(() => ({ errno: ETIMEDOUT, said: undefined }));
  };
}

test.each([
  [512, 30_000, [100], 500],
  [60, 30_000, [50, 50], 1_000],
  [25, 30_000, [25, 25, 25, 25], 2_000],
  [25, 1_200, [25, 25, 25], 1_200],
  [512, 0, [100], 500],
])(
  "with %d descriptors and %d ms, guests are asked in turns of %j, until %d ms",
  (descriptors, ...[limitMs, turns, endMs]) => {
    const sys = new SilentGuests(descriptors);
    const { answers, failure } = probeGuests(DOMAINS, limitMs, sys);
    expect(failure).toBeUndefined();
    expect(sys.asked).toEqual(turns);
    expect(sys.clockMs).toBe(endMs);
    // Nothing is said of one that was not asked.
    expect(answers.size).toBe(turns.reduce((sum, count) => sum + count, 0));
  },
);

test("without a single descriptor nobody is asked, which is told of", () => {
  const { answers, failure } = probeGuests(DOMAINS, 30_000, new SilentGuests(0));
  expect(answers.size).toBe(0);
  expect(failure).toEqual({ kind: "system-refused", call: "socket", errno: "EMFILE" });
});
