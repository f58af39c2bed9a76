// Lists and logins without a pause, beside domains that are started and destroyed without one: no answer may be wrong, and nothing
// may be left behind.
import { beforeAll, describe, expect, test } from "vitest";
import { GRANTS, GUEST_TEXTS, renderGuest } from "../daemon/guests-with-cid.ts";
import { INSTALLED } from "../lab/installed.ts";
import { type Outcomes, runNative, type Step } from "../lab/lab.ts";
import { CHURN_SECONDS, keepFigure, renderMb } from "./figures.ts";

const DOMAINS = 50;

/** What churn.py prints. */
interface Churn {
  readonly seconds: number;
  readonly changes: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly lists: number;
  readonly logins: number;
  readonly reached: number;
  readonly explained: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
  readonly wrongs: number;
  /** The median of peaks in the first quarter, and in the last. */
  readonly listKb: readonly [number, number];
  /** In the beginning, and in the end. */
  readonly waitKb: readonly [number, number];
  readonly waitDescriptors: readonly [number, number];
  readonly daemon: Readonly<Record<"before" | "after", { readonly descriptors: number; readonly kb: number }>>;
  readonly left: number;
}

const CHURN = "domains come and go";
const ALONE = "a `virtssh wait` whose daemon is gone for a minute";
/** What memory may grow by: medians, and what is counted page by page. */
const STEADY_KB = 200;
/** The same in a minute of tries that all fail, two each second: half a kilobyte each. */
const TRIES_KB = 60;

const NAMES = [...Array.from({ length: DOMAINS }, (_, index) => `vm${index}`), "never"];

const STEPS: readonly Step[] = [
  ...GRANTS.slice(0, 1).map(({ name, run }) => ({ name, run })),
  {
    name: "51 domains are defined",
    run: `for name in ${NAMES.join(" ")}; do virsh -q define /etc/lab/$name.xml; done`,
    timeoutSeconds: 120,
  },
  {
    name: "guests listen",
    run: "mkdir -m 777 /tmp/vsock; setsid python3 /etc/lab/guests.py /tmp/vsock 3 102 > /tmp/guests 2>&1 & until grep -qs listening /tmp/guests; do sleep 0.1; done",
  },
  {
    name: CHURN,
    run: `export VIRTSSH_TEST_VSOCK=/tmp/vsock; python3 /etc/lab/churn.py ${CHURN_SECONDS} ${DOMAINS}`,
    timeoutSeconds: CHURN_SECONDS + 120,
  },
  {
    name: ALONE,
    run: `virtssh wait --timeout 600 qemu/never 2> /dev/null & wait=$!; sleep 2; kill -KILL $(pidof libvirtd)
sleep 3; for seconds in 60 0; do sed -n 's/^Rss: *\\([0-9]*\\) kB/\\1/p' /proc/$wait/smaps_rollup; sleep $seconds; done; kill $wait`,
    timeoutSeconds: 120,
  },
];

describe("domains that come and go", () => {
  let outcomes: Outcomes = new Map();
  beforeAll(async () => {
    outcomes = await runNative({
      steps: STEPS,
      files: {
        ...INSTALLED,
        "/usr/local/bin/virtssh": "build/bench/virtssh",
        "/etc/lab/churn.py": "test/load/churn.py",
        "/etc/lab/guests.py": "test/load/guests.py",
      },
      texts: {
        ...GUEST_TEXTS,
        ...Object.fromEntries(NAMES.map((name) => [`/etc/lab/${name}.xml`, renderGuest({ name, vsock: "auto" })])),
      },
    });
  });

  test.each(STEPS.map(({ name }) => name))("%s", (name) => {
    const outcome = outcomes.get(name);
    expect({ exit: outcome?.exit, stderr: outcome?.stderr }).toEqual({ exit: 0, stderr: "" });
  });

  test("tries that fail leave nothing in memory", () => {
    const [begin = 0, end = Number.POSITIVE_INFINITY] = (outcomes.get(ALONE)?.stdout ?? "").split("\n").map(Number);
    expect(begin).toBeGreaterThan(0);
    expect(end - begin).toBeLessThanOrEqual(TRIES_KB);
    keepFigure({
      order: 101,
      load: ALONE,
      measured: `memory ${renderMb(begin)} in the beginning and ${renderMb(end)} in the end`,
    });
  });

  test("every list and every login is right, and nothing is left", () => {
    const found = JSON.parse(outcomes.get(CHURN)?.stdout ?? "null") as Churn;
    expect({ wrong: found.wrong, refused: found.refused, left: found.left }).toEqual({
      wrong: [],
      refused: {},
      left: 0,
    });
    expect(Math.min(found.changes, found.lists, found.logins, found.reached)).toBeGreaterThan(0);
    expect(found.daemon.after.descriptors).toBeLessThanOrEqual(found.daemon.before.descriptors);
    expect(found.waitDescriptors[1]).toBe(found.waitDescriptors[0]);
    expect(found.waitKb[1] - found.waitKb[0]).toBeLessThanOrEqual(STEADY_KB);
    expect(found.listKb[1] - found.listKb[0]).toBeLessThanOrEqual(STEADY_KB);
    const kinds = Object.entries(found.explained).map(([words, count]) => `${count} × ${words}`);
    keepFigure({
      order: 100,
      load: `a loop of \`virtssh list --all\` and one of \`virtssh proxy --fdpass\`, beside \`virsh start\` and \`destroy\` of ${DOMAINS} domains at random for ${found.seconds} s`,
      measured: [
        `${found.changes} starts and destroys, ${found.lists} lists, ${found.logins} logins, of which ${found.reached} reached their guest; none was wrong`,
        `the other logins: ${kinds.join(", ")}`,
        `peak memory of a list ${renderMb(found.listKb[0])} (median) in the first quarter and ${renderMb(found.listKb[1])} in the last`,
        `a \`virtssh wait\` that ran all the time ${renderMb(found.waitKb[0])} and ${renderMb(found.waitKb[1])}`,
        `libvirtd's descriptors ${found.daemon.before.descriptors} and ${found.daemon.after.descriptors}, its memory ${renderMb(found.daemon.before.kb)} and ${renderMb(found.daemon.after.kb)}`,
      ].join("; "),
    });
  });
});
