/** One line on the terminal that says what is being waited for. */

import type { PassingFailure } from "./failure.ts";
import type { System } from "./sys/system.ts";
import { encodeUtf8 } from "./utf8.ts";
import { describeLack } from "./words/lack.ts";

const STDERR = 2;

/** A guest that is ready sooner needs no words. */
const QUIET_MS = 1_000;

/** ECMA-48, EL: erases the line. */
const ERASE = "\r\u001b[K";

/** A terminal is seldom narrower; a line that wraps could not be erased. */
const MAX_WIDTH = 79;

export class Progress implements Disposable {
  readonly #sys: System;
  readonly #startedMs: number;
  readonly #isShown: boolean;
  #hasLine = false;

  constructor(sys: System) {
    this.#sys = sys;
    this.#startedMs = sys.nowMs();
    this.#isShown = sys.isTerminal(STDERR);
  }

  show(lack: PassingFailure): void {
    const waitedMs = this.#sys.nowMs() - this.#startedMs;
    if (!this.#isShown || waitedMs < QUIET_MS) return;
    const text = `virtssh: waiting, ${Math.floor(waitedMs / 1000)} s: ${describeLack(lack)}`;
    this.#print(ERASE + (text.length > MAX_WIDTH ? `${text.slice(0, MAX_WIDTH - 3)}...` : text));
    this.#hasLine = true;
  }

  /** Takes the line away, and leaves `text` in its place where there is a terminal. */
  end(text: string): void {
    this[Symbol.dispose]();
    if (this.#isShown) this.#print(`${text}\n`);
  }

  [Symbol.dispose](): void {
    if (this.#hasLine) this.#print(ERASE);
    this.#hasLine = false;
  }

  #print(text: string): void {
    this.#sys.write(STDERR, encodeUtf8(text), Number.POSITIVE_INFINITY);
  }
}
