// Hundreds of helpers at once beside one real libvirtd, whose limit of clients they meet, and hundreds of questions about host keys.
// Each must say what it says when it is alone.
import { beforeAll, describe, expect, test } from "vitest";
import { GRANTS, GUEST_TEXTS, renderGuest } from "../daemon/guests-with-cid.ts";
import { INSTALLED } from "../lab/installed.ts";
import { type Outcomes, runNative, type Step } from "../lab/lab.ts";
import { keepFigure, PAGES_KB, renderMb } from "./figures.ts";

/** What crowd.py prints. */
interface Crowd {
  readonly count: number;
  readonly right: number;
  readonly wrong: Readonly<Record<string, number>>;
  readonly alone: readonly string[];
  readonly seconds: number;
  readonly atOnce: number;
  /** The most memory that one has had at any time: alone; and in the crowd the least, the median and the most of them. */
  readonly aloneKb: number;
  readonly peakKb: readonly [number, number, number];
  readonly descriptors: { readonly before: number; readonly most: number; readonly after: number };
  readonly left: number;
}

interface Kind {
  readonly name: string;
  readonly count: number;
  readonly run: string;
  /** What each of them says when it is alone begins so: its exit status, its stdout, its stderr. */
  readonly alone: RegExp;
  /** That so many processes of virtssh were there at the same moment. */
  readonly atOnce?: number;
}

const PROGRAM = "/usr/local/bin/virtssh";
const crowd = (count: number, hold: string, command: string) =>
  `export VIRTSSH_TEST_VSOCK=/tmp/vsock; python3 /etc/lab/crowd.py ${count} ${hold} ${command}`;
const AS_ALICE = "setpriv --reuid alice --regid alice --init-groups";

const RECORDS = "/run/user/0/virtssh";
const UUID = "11111111-2222-4333-8444-555555555555";
const PIN = `/root/.local/state/virtssh/hosts/${UUID}`;
/** The last digits, from 0 to 9, make ten keys of it. */
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJyZ8sHafEp8++mWTrP3bDZfWINSnyQw0jPfNRJ1ACTV";
const ASK = `/usr/local/bin/as-ssh ${RECORDS} - ${PROGRAM} known-hosts --`;

const KINDS: readonly Kind[] = [
  {
    name: "500 `virtssh resolve` of root's",
    count: 500,
    run: crowd(500, "daemon", `${PROGRAM} resolve --json qemu:system/vm@`),
    alone: /^0 '\{/,
    atOnce: 500,
  },
  {
    name: "500 `virtssh resolve` of an ordinary user's, each let in by polkit",
    count: 500,
    run: crowd(500, "daemon", `${AS_ALICE} ${PROGRAM} resolve --json qemu:system/vm@`),
    alone: /^0 '\{/,
    atOnce: 500,
  },
  {
    name: "500 `virtssh proxy --fdpass`, to ten guests",
    count: 500,
    run: crowd(500, "daemon", `/usr/local/bin/receive-fd ${PROGRAM} proxy --fdpass qemu:system/vm@`),
    alone: /^0 '' ''$/,
    atOnce: 500,
  },
  {
    name: "500 `virtssh proxy` that relay, to ten guests that say who they are",
    count: 500,
    run: crowd(500, "daemon", `${PROGRAM} proxy qemu:system/vm@`),
    alone: /^0 'SSH-2.0-CID_\d+/,
    atOnce: 500,
  },
  {
    name: "100 `virtssh resolve`, while another user's 25 idle connections keep the daemon full for 3 s",
    count: 100,
    run: crowd(100, "idle", `${PROGRAM} resolve --json --timeout 20 qemu:system/vm@`),
    alone: /^0 '\{/,
    atOnce: 100,
  },
  {
    name: "1,000 `virtssh known-hosts`, of a pinned key",
    count: 1000,
    run: crowd(1000, "none", `${ASK} HOSTNAME ${KEY} up.qemu`),
    alone: /^0 '\* ssh-ed25519 AAAA/,
  },
  {
    name: "1,000 `virtssh known-hosts`, of a first key, which one of them pins",
    count: 1000,
    run: `FORGET=${PIN}; export FORGET; ${crowd(1000, "lock", `${ASK} HOSTNAME ${KEY} up.qemu`)}; [ $(grep -cF '${KEY}' ${PIN}) = 1 ]`,
    alone: /^0 '\* ssh-ed25519 AAAA/,
    atOnce: 100, // the lock is let go after 3 s at most, since they wait for it for 5
  },
];

/** What the median may be above what one takes alone. */
const USUAL_KB = 300;

/** As many as no daemon of the usual limits lets in, without a word. */
const IDLE = `import socket, time
idle = [socket.socket(socket.AF_UNIX) for _ in range(25)]
for one in idle: one.connect("/run/libvirt/libvirt-sock-ro")
print("connected", flush=True)
time.sleep(600)
`;
const BLOCKED = "50 `virtssh resolve --timeout 2`, while another user's 25 idle connections stay";

const NAMES = Array.from({ length: 10 }, (_, index) => `vm${index}`);

const makeStep = ({ name, run }: Kind): Step => ({ name, run, timeoutSeconds: 180 });

const STEPS: readonly Step[] = [
  ...GRANTS.slice(0, 1).map(({ name, run }) => ({ name, run })),
  {
    name: "ten domains run",
    run: `for name in ${NAMES.join(" ")}; do virsh -q define /etc/lab/$name.xml && virsh -q start $name; done`,
    timeoutSeconds: 120,
  },
  {
    name: "ten guests listen",
    run: `mkdir -m 777 /tmp/vsock; mkdir -p -m 700 ${RECORDS}; setsid python3 /etc/lab/guests.py /tmp/vsock 100 109 > /tmp/guests 2>&1 & until grep -qs listening /tmp/guests; do sleep 0.1; done`,
  },
  ...KINDS.slice(0, 4).map(makeStep),
  {
    name: "the daemon has logged no error of ours",
    run: "! grep -e 'End of file' -e 'Broken pipe' /var/log/libvirt/libvirtd.log",
  },
  // Of those who go without a word there is an error in its log: bob, here.
  ...KINDS.slice(4).map(makeStep),
  {
    name: BLOCKED,
    run: `exec 5< <(exec setpriv --reuid bob --regid bob --clear-groups python3 -c '${IDLE}'); bob=$!; read -r -u 5
for i in {1..50}; do virtssh resolve --timeout 2 qemu:system/vm1 & asked+=($!); done 2> /tmp/said
for pid in "\${asked[@]}"; do wait $pid; echo $?; done > /tmp/ended; sort /tmp/ended | uniq -c; kill $bob; pgrep -x virtssh
sed 's/lets [0-9]* wait/lets N wait/' /tmp/said | grep '^virtssh: error' | sort | uniq -c
until virtssh resolve qemu:system/vm1 > /dev/null; do sleep 0.1; done`,
  },
  {
    name: "two keys at once, and one of them is pinned",
    run: `rm ${PIN}; for i in {1..100}; do for key in '${KEY}' '${KEY.replace("ACTV", "ACTW")}'; do ${ASK} HOSTNAME $key up.qemu & done; done 2> /tmp/said | sort -u | wc -l
sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}/TIME/' /tmp/said | grep '^virtssh: error' | sort | uniq -c`,
    timeoutSeconds: 120,
  },
];

describe("crowds", () => {
  let outcomes: Outcomes = new Map();
  beforeAll(async () => {
    outcomes = await runNative({
      steps: STEPS,
      files: {
        ...INSTALLED,
        [PROGRAM]: "build/bench/virtssh",
        "/usr/local/bin/receive-fd": "build/bench/receive-fd",
        "/usr/local/bin/as-ssh": "build/bench/as-ssh",
        "/etc/lab/crowd.py": "test/load/crowd.py",
        "/etc/lab/guests.py": "test/load/guests.py",
      },
      texts: {
        ...GUEST_TEXTS,
        ...Object.fromEntries(
          NAMES.map((name, index) => [`/etc/lab/${name}.xml`, renderGuest({ name, vsock: 100 + index })]),
        ),
      },
    });
  });

  test.each(STEPS.filter(({ name }) => KINDS.every((kind) => kind.name !== name)).map(({ name }) => name))(
    "%s",
    (name) => {
      const outcome = outcomes.get(name);
      expect({ exit: outcome?.exit, stderr: outcome?.stderr }).toEqual({ exit: 0, stderr: "" });
    },
  );

  test("who is not let in is told so, in time", () => {
    const said = outcomes.get(BLOCKED)?.stdout ?? "";
    expect(said).toMatch(
      /^ +50 1\n +50 virtssh: error: cannot ask libvirt: no answer on .* within 2 s: the daemon has 20 clients and lets N wait\n$/,
    );
    keepFigure({
      order: 10,
      load: BLOCKED,
      measured:
        "each ends with status 1 after its 2 s, and says that the daemon has 20 clients and how many it lets wait; the next one after they have gone is right",
    });
  });

  test("of two keys that are shown at once one is pinned, and the other is a change to all", () => {
    const said = outcomes.get("two keys at once, and one of them is pinned")?.stdout ?? "";
    expect(said).toMatch(/^1\n +100 virtssh: error: the host key of domain "up" .* has changed: .*\n$/);
  });

  test.each(KINDS.map((kind, order) => [kind.name, kind, order] as const))("%s", (name, kind, order) => {
    const outcome = outcomes.get(name);
    expect({ exit: outcome?.exit, stderr: outcome?.stderr }).toEqual({ exit: 0, stderr: "" });
    const found = JSON.parse(outcome?.stdout ?? "null") as Crowd;
    for (const alone of found.alone) expect(alone).toMatch(kind.alone);
    expect(found.wrong).toEqual({});
    expect({ count: found.count, right: found.right, left: found.left }).toEqual({
      count: kind.count,
      right: kind.count,
      left: 0,
    });
    expect(found.descriptors.after).toBeLessThanOrEqual(found.descriptors.before);
    expect(found.atOnce).toBeGreaterThanOrEqual(kind.atOnce ?? 1);
    const [least, middle, most] = found.peakKb;
    expect(middle - found.aloneKb).toBeLessThanOrEqual(USUAL_KB);
    expect(most - found.aloneKb).toBeLessThanOrEqual(PAGES_KB);
    keepFigure({
      order,
      load: name,
      measured: [
        `all right in ${found.seconds.toFixed(1)} s`,
        `${found.atOnce} processes at once`,
        `peak memory of one ${renderMb(least)} to ${renderMb(most)}, median ${renderMb(middle)}; alone ${renderMb(found.aloneKb)}`,
        `libvirtd's descriptors ${found.descriptors.before}, at most ${found.descriptors.most}, afterwards ${found.descriptors.after}`,
      ].join("; "),
    });
  });
});
