// What the host does to a program that is in the middle of its work: too little memory, too few descriptors.
import { describe } from "vitest";
import { type Fact, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { GRANTS, GUEST_TEXTS, renderGuest } from "./guests-with-cid.ts";

const FILES = {
  "/usr/bin/virtssh": "build/test/virtssh",
  /** Sanitizers take terabytes of addresses, so limits on memory are for the program as it ships. */
  "/usr/local/bin/shipped": "build/virtssh",
};

const TEXTS = {
  ...GUEST_TEXTS,
  "/etc/lab/web.xml": renderGuest({ name: "web", vsock: 7 }),
};

const SETUP: readonly Fact[] = [
  ...GRANTS.slice(0, 1),
  { name: "web runs", run: "virsh -q define /etc/lab/web.xml; virsh -q start web" },
  {
    name: "what is said where nothing is in the way",
    run: "virtssh resolve qemu/web > /tmp/calm && virtssh list --no-probe > /tmp/calm-list",
  },
];

/** Runs a command, and prints its status, and what it said first, or that it said the same as where nothing is in the way. */
const OUTCOME = `outcome() { # CALM COMMAND...
  local calm=$1; shift
  "$@" > /tmp/out 2> /tmp/err
  echo "$? $(head -n 1 /tmp/err | sed -E 's/"[^"]*"/NAME/g')$([ -s /tmp/out ] && { cmp -s /tmp/out $calm && echo right || echo WRONG; })"
}`;

/** With less than 2.1 MB the kernel cannot start it at all. */
const LIMITS: readonly Fact[] = [
  ...(
    [
      ["resolve", "resolve qemu/web", "/tmp/calm"],
      ["list", "list --no-probe", "/tmp/calm-list"],
    ] as const
  ).map(([name, words, calm]) => ({
    name: `${name} with less and less memory is right, or says that there is too little`,
    run: `${OUTCOME}; for ((kb = 6000; kb > 2300; kb -= 50)); do outcome ${calm} prlimit --as=$((kb * 1000)) shipped ${words}; done | sort | uniq`,
    stdout: "0 right\n1 virtssh: error: cannot go on: no memory is left\n",
  })),
  {
    name: "with fewer and fewer descriptors it is right, or says that there are too few",
    run: `${OUTCOME}; for n in 12 11 10 9 8 7 6 5 4 3; do outcome /tmp/calm prlimit --nofile=$n shipped resolve qemu/web; done | sort | uniq`,
    stdout: "0 right\n1 virtssh: error: cannot use libvirt socket NAME: too many open files in this process (EMFILE)\n",
  },
];

describe("virtssh in the middle of its work", () => {
  const limited = [...SETUP, ...LIMITS].map((fact) => ({ ...fact, timeoutSeconds: 40 }));
  testFacts(limited, (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
