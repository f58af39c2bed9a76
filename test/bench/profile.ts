// Where the time of a `virtssh resolve` goes: a build that writes down when it calls the engine and the kernel (marks.c).
import { GRANTS, GUEST_TEXTS } from "../daemon/guests-with-cid.ts";
import { runNative } from "../lab/lab.ts";
import { toStderr } from "../lab/progress.ts";
import { DOMAIN_TEXTS, startRunning } from "./domains.ts";
import { type Contest, makeContest, median, readResult, readRuns, requireSuccess } from "./measure.ts";
import { ROWS, readMarks, splitRun } from "./phases.ts";
import { MARKED, NAMES, PROGRAMS, VIRTSSH } from "./programs.ts";

interface Phase {
  readonly name: string;
  readonly us: number;
}

export interface Profile {
  readonly rounds: number;
  /** Medians, each by itself: they add up to the whole nearly, and in every single run exactly. */
  readonly phases: readonly Phase[];
  readonly wholeUs: number;
  /** Of the program as it ships, in the same run. */
  readonly shippedUs: number;
}

const MARKS = "/tmp/marks";

export async function runProfile(rounds: number): Promise<Profile> {
  const contest: Contest = {
    name: "profile",
    rounds,
    commands: [
      { name: NAMES.resolve, words: `${VIRTSSH} resolve qemu:system/up` },
      { name: "with marks", words: `${MARKED} resolve qemu:system/up` },
    ],
    first: `export VIRTSSH_MARKS=${MARKS}`,
  };
  const steps = [
    ...GRANTS.map(({ name, run, user = "root" }) => ({ name, run, user })),
    { name: "the domain is started", run: startRunning("up") },
    ...makeContest(contest),
    { name: "marks", run: `cat ${MARKS}` },
  ];
  const lab = { steps, files: PROGRAMS, texts: { ...GUEST_TEXTS, ...DOMAIN_TEXTS } };
  const outcomes = requireSuccess(await runNative(lab, toStderr));
  const spans = readRuns(outcomes, contest.name).flatMap(({ command, beginNs, wallMs }) =>
    command === 1 ? [{ beginUs: Number(beginNs) / 1e3, endUs: Number(beginNs) / 1e3 + wallMs * 1e3 }] : [],
  );
  const runs = readMarks(outcomes.get("marks")?.stdout ?? "").slice(1); // of the round that is not counted
  if (runs.length !== spans.length) throw new Error(`${spans.length} runs left ${runs.length} runs' marks`);
  const splits = spans.map((span, index) => splitRun(runs[index] ?? [], span));
  const shippedUs = (readResult(outcomes, contest).rows[0]?.medianMs ?? Number.NaN) * 1e3;
  return { rounds, shippedUs, ...summarize(splits) };
}

function summarize(splits: readonly ReadonlyMap<string, number>[]): Pick<Profile, "phases" | "wholeUs"> {
  const unknown = splits.flatMap((split) => [...split.keys()]).filter((name) => !ROWS.includes(name));
  const names = [...ROWS, ...new Set(unknown)];
  const phases = names.map((name) => ({ name, us: median(splits.map((split) => split.get(name) ?? 0)) }));
  const wholes = splits.map((split) => [...split.values()].reduce((sum, us) => sum + us, 0));
  return { phases: phases.filter(({ us }) => us > 0), wholeUs: median(wholes) };
}
