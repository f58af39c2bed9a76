// Facts about the program in a lab, as rows of a table: what is run, and what it must print. All of a table's rows run in one lab.
import { beforeAll, describe, expect, test } from "vitest";
import { keepPrinted } from "../fixtures/printed.ts";
import type { Outcome, Outcomes, Step } from "./lab.ts";

export interface Fact {
  /** The test's name: what is true. */
  readonly name: string;
  readonly run: string;
  readonly user?: Step["user"];
  readonly timeoutSeconds?: number;
  /** The exit status, where "failure" is any but 0; 0 unless told. */
  readonly exit?: number | "failure";
  /** The whole output, or a part of it; nothing unless told. */
  readonly stdout?: string | RegExp;
  readonly stderr?: string | RegExp;
}

/** Our two lines of a failure. */
export function failure(error: string, hint: string): string {
  return `virtssh: error: ${error}\nvirtssh: hint: ${hint}\n`;
}

/** Makes one test of each fact; `runLab` runs them all, once. */
export function testFacts(facts: readonly Fact[], runLab: (steps: readonly Step[]) => Promise<Outcomes>): void {
  let outcomes: Outcomes = new Map();
  beforeAll(async () => {
    outcomes = await runLab(facts.map(makeStep));
  });
  test.each(facts.map((fact) => [fact.name, fact] as const))("%s", (name, fact) => {
    const outcome = outcomes.get(name);
    expect(outcome, "the lab has run it").toBeDefined();
    if (outcome === undefined) return;
    compare(outcome, fact);
    keepPrinted(expect.getState(), outcome.stdout, outcome.stderr);
  });
}

/** A table of facts and the lab that runs them. */
export interface FactLab {
  readonly name: string;
  readonly facts: readonly Fact[];
  readonly runLab: (steps: readonly Step[]) => Promise<Outcomes>;
}

/** The same of several labs, which run at the same time: a box takes one processor. */
export function testFactsAtOnce(labs: readonly FactLab[]): void {
  let runs: ReadonlyMap<FactLab, Promise<Outcomes>> | undefined;
  const startAll = () => {
    runs ??= new Map(labs.map((lab) => [lab, lab.runLab(lab.facts.map(makeStep))]));
    for (const run of runs.values()) run.catch(() => {}); // who fails first is asked only when it is its turn
    return runs;
  };
  describe.each(labs.map((lab) => [lab.name, lab] as const))("%s", (_, lab) => {
    testFacts(lab.facts, async () => (await startAll().get(lab)) ?? new Map());
  });
}

function makeStep({ name, run, user, timeoutSeconds }: Fact): Step {
  return {
    name,
    run,
    ...(user === undefined ? {} : { user }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  };
}

/** All three at once, so that a failure shows them all. */
function compare(outcome: Outcome, { exit = 0, stdout = "", stderr = "" }: Fact): void {
  const { exit: ended, stdout: printed, stderr: complained } = outcome;
  expect({ exit: ended, stdout: printed, stderr: complained }).toEqual({
    exit: exit === "failure" ? expect.toSatisfy((status) => status !== 0, "a failure") : exit,
    stdout: matching(stdout),
    stderr: matching(stderr),
  });
}

function matching(wanted: string | RegExp): unknown {
  return typeof wanted === "string" ? wanted : expect.stringMatching(wanted);
}
