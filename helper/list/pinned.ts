/** Whether a host key is pinned for a guest's sshd, of many guests. */

import { type Failure, HelperError } from "../failure.ts";
import { listAllPinned, readAllPins } from "../hostkeys/find-pins.ts";
import { selectPins } from "../hostkeys/verdict.ts";
import type { System } from "../sys/system.ts";

const SSH_PORT = 22;

export class PinnedDomains {
  readonly #sys: System;
  /** Of the domains of which there is a file; undefined where that cannot be known. */
  readonly #uuids: ReadonlySet<string> | undefined;
  /** The first of what kept us from knowing. */
  failure: Failure | undefined;

  constructor(sys: System) {
    this.#sys = sys;
    this.#uuids = this.#try(() => new Set(listAllPinned(sys)));
  }

  /** Undefined where that cannot be known. A key that is refused for ever is not pinned. */
  has(uuid: string): boolean | undefined {
    if (this.#uuids === undefined) return undefined;
    if (!this.#uuids.has(uuid)) return false;
    const pins = this.#try(() => readAllPins(uuid, this.#sys));
    return pins === undefined ? undefined : selectPins(pins, SSH_PORT).some(({ marker }) => marker !== "@revoked");
  }

  #try<Result>(act: () => Result): Result | undefined {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof HelperError)) throw error;
      this.failure ??= error.failure;
      return undefined;
    }
  }
}
