/** The steps that were taken, in order, and what came of each: it holds, it does not and why, or it was not tried. */

import { type Failure, HelperError } from "../failure.ts";
import { errnoName } from "../sys/errno.ts";
import { type System, SystemError } from "../sys/system.ts";

export interface Finding {
  readonly step: string;
  readonly outcome: "ok" | "failed" | "not tried" | "not needed";
  /** What was found, or why it does not matter. */
  readonly detail?: string;
  /** Why it does not hold. */
  readonly failure?: Failure;
}

/** What a step that holds has found: a value for the steps after it, and words for people. */
export interface Passed<Value> {
  readonly value: Value;
  readonly detail: string;
}

/** Until when there is time. */
interface Limit {
  readonly sys: System;
  readonly deadlineMs: number;
}

export class Report {
  readonly findings: Finding[] = [];
  readonly #limit: Limit;

  /** Once the deadline is over, no step is taken any more: what it would find is that there is no time. */
  constructor(limit: Limit) {
    this.#limit = limit;
  }

  /** Takes a step, and returns its value; undefined where it does not hold. */
  check<Value>(step: string, act: () => Passed<Value>): Value | undefined {
    const passed = this.tell(step, act);
    if (passed === undefined) return undefined;
    this.findings.push({ step, outcome: "ok", detail: passed.detail });
    return passed.value;
  }

  /** The same for a step that needs the value of an earlier one, which may not have held. */
  after<Given, Value>(step: string, given: Given | undefined, act: (given: Given) => Passed<Value>): Value | undefined {
    if (given !== undefined) return this.check(step, () => act(given));
    this.findings.push({ step, outcome: "not tried" });
    return undefined;
  }

  /** Tells of a step only where it does not hold. */
  tell<Value>(step: string, act: () => Value): Value | undefined {
    if (this.#limit.sys.nowMs() >= this.#limit.deadlineMs) {
      this.findings.push({ step, outcome: "not tried" });
      return undefined;
    }
    try {
      return act();
    } catch (error) {
      this.findings.push({ step, outcome: "failed", failure: requireFailure(error) });
      return undefined;
    }
  }
}

/** The failure that an error carries. Bugs, and a reader that has gone, are not for the report. */
export function requireFailure(error: unknown): Failure {
  if (error instanceof HelperError) return error.failure;
  if (error instanceof SystemError) return { kind: "system-refused", call: error.call, errno: errnoName(error.errno) };
  throw error;
}
