// What a relay carries in a second and takes of the processor for it: `virtssh proxy` without --fdpass, and socat, over stand-ins for
// AF_VSOCK natively, and over vsock_loopback in the box.
import { type Outcomes, runInBox, runNative, type Step } from "../lab/lab.ts";
import { toStderr } from "../lab/progress.ts";
import { median, requireSuccess } from "./measure.ts";
import { PROGRAMS } from "./programs.ts";

interface Carried {
  readonly name: string;
  readonly way: Way;
  /** Of all rounds. */
  readonly mbPerSecond: number;
  readonly cpuSecondsPerGb: number;
  readonly peakMb: number;
}

export interface RelayResult {
  readonly name: string;
  readonly gigabytes: number;
  readonly rounds: number;
  readonly rows: readonly Carried[];
}

/** From the guest, and to it. */
const WAYS = ["down", "up"] as const;
type Way = (typeof WAYS)[number];

interface Place {
  readonly name: string;
  readonly first: readonly Step[];
  /** By what a table calls it. */
  readonly relays: Readonly<Record<string, string>>;
}

const FLOOD = "/usr/local/bin/flood";

const serve = (where: string) => `setsid ${FLOOD} serve ${where} > /dev/null 2>&1 &`;

const NATIVE: Place = {
  name: "AF_UNIX in place of VSOCK",
  first: [
    {
      name: "a guest floods",
      run: `mkdir /tmp/vsock; ${serve("unix /tmp/vsock/7-22")} until [ -S /tmp/vsock/7-22 ]; do sleep 0.1; done`,
    },
  ],
  relays: {
    "virtssh proxy": "/usr/local/bin/virtssh proxy vsock/7",
    socat: "/usr/bin/socat - UNIX-CONNECT:/tmp/vsock/7-22",
    "socat -b 65536": "/usr/bin/socat -b 65536 - UNIX-CONNECT:/tmp/vsock/7-22",
  },
};

/** VMADDR_CID_LOCAL is 1: the box itself. */
const LOCAL = "vsock/1 2222";
const BOX: Place = {
  name: "vsock_loopback in the box",
  first: [
    {
      name: "a guest floods",
      run: `modprobe vsock_loopback; ${serve("vsock 2222")}
for n in {1..100}; do ${FLOOD} carry down 1 /usr/bin/virtssh proxy ${LOCAL} 2> /dev/null && exit; sleep 0.1; done; exit 1`,
    },
  ],
  relays: {
    "virtssh proxy": `/usr/bin/virtssh proxy ${LOCAL}`,
    socat: "/usr/bin/socat - VSOCK-CONNECT:1:2222",
    "socat -b 65536": "/usr/bin/socat -b 65536 - VSOCK-CONNECT:1:2222",
  },
};

/** Its last line is what flood prints. */
const stepName = (relay: string, way: Way, round: number) => `${relay}, ${way}, round ${round + 1}`;

function makeSteps({ first, relays }: Place, bytes: number, rounds: number): Step[] {
  const turns = Array.from({ length: rounds }, (_, round) =>
    WAYS.flatMap((way) =>
      Object.entries(relays).map(([relay, words]) => ({
        name: stepName(relay, way, round),
        run: `export VIRTSSH_TEST_VSOCK=/tmp/vsock; ${FLOOD} carry ${way} ${bytes} ${words}`,
        timeoutSeconds: 300,
      })),
    ),
  );
  return [...first, ...turns.flat()];
}

function readCarried(outcomes: Outcomes, of: { relay: string; way: Way }, { bytes, rounds }: Amount): Carried {
  const runs = Array.from({ length: rounds }, (_, round) => {
    const { stdout = "" } = outcomes.get(stepName(of.relay, of.way, round)) ?? {};
    const [ns = 0, user = 0, kernel = 0, peakKb = 0] = stdout.trim().split(" ").map(Number);
    return { seconds: ns / 1e9, cpuSeconds: (user + kernel) / 1e6, peakKb };
  });
  return {
    name: of.relay,
    way: of.way,
    mbPerSecond: bytes / 1e6 / median(runs.map(({ seconds }) => seconds)),
    cpuSecondsPerGb: median(runs.map(({ cpuSeconds }) => cpuSeconds)) / (bytes / 1e9),
    peakMb: (median(runs.map(({ peakKb }) => peakKb)) * 1024) / 1e6,
  };
}

interface Amount {
  readonly bytes: number;
  readonly rounds: number;
}

async function measure(place: Place, amount: Amount, run: typeof runNative): Promise<RelayResult> {
  const steps = makeSteps(place, amount.bytes, amount.rounds);
  const outcomes = requireSuccess(await run({ steps, files: PROGRAMS }, toStderr));
  const rows = WAYS.flatMap((way) =>
    Object.keys(place.relays).map((relay) => readCarried(outcomes, { relay, way }, amount)),
  );
  return { name: place.name, gigabytes: amount.bytes / 1e9, rounds: amount.rounds, rows };
}

export async function runRelays(amount: Amount): Promise<RelayResult[]> {
  return [await measure(NATIVE, amount, runNative), await measure(BOX, amount, runInBox)];
}
