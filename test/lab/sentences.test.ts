// Sentences that take the kernel's own AF_VSOCK: a guest without a driver, and the kernel's limits.
import { describe } from "vitest";
import { type Domain, renderDomain, startDomain } from "./domains.ts";
import { type Fact, failure, testFacts } from "./facts.ts";
import { INSTALLED } from "./installed.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

/** Runs, but there is nobody in it to answer. */
const EMPTY: Domain = { name: "empty", vsock: "auto", boots: "nothing" };
const PATH = "/etc/lab/empty.xml";

/** Takes the ports from which the kernel would take one for each connection: it tries 24, MAX_PORT_RETRIES in af_vsock.c. */
const TAKE_PORTS = `import socket, time
def take(port):
    taken = socket.socket(socket.AF_VSOCK)
    taken.bind((socket.VMADDR_CID_ANY, port))
    return taken
first = take(socket.VMADDR_PORT_ANY)
others = [take(first.getsockname()[1] + number) for number in range(1, 400)]
print("taken", flush=True)
time.sleep(60)
`;

const withoutPorts = (command: string) =>
  `exec 5< <(exec python3 /etc/lab/take-ports.py); holder=$!; read -r -u 5; ${command}; status=$?; kill $holder; exit $status`;

const FACTS: readonly Fact[] = [
  { name: "empty is started, for its sentences", run: startDomain(PATH, EMPTY.name) },
  {
    name: "a CID whose guest has no VSOCK driver yet",
    run: "virtssh proxy vsock/3",
    exit: 1,
    stderr: failure(
      "cannot connect to cid 3: no answer on vsock port 22 within 2 s",
      "if it is still booting, wait with: virtssh wait vsock/3",
    ),
  },
  {
    name: "a guest that is waited for, and never has a VSOCK driver",
    run: "virtssh wait --timeout 2 qemu/empty",
    exit: 1,
    stderr:
      /^virtssh: error: not ready after 2 s: cannot connect to domain "empty": no answer on vsock port 22 \(cid 3\) within (1|0\.\d) s\nvirtssh: hint: if it is still booting, wait with: virtssh wait qemu:system\/empty\n$/,
  },
  {
    name: "a host whose VSOCK ports are taken, on the way to a domain",
    run: withoutPorts("virtssh proxy qemu/empty"),
    exit: 1,
    stderr: failure(
      'cannot connect to domain "empty" on vsock port 22 (cid 3): no port is left on this host (EADDRNOTAVAIL)',
      "see what holds them with: ss -a --vsock",
    ),
  },
  {
    name: "a host whose VSOCK ports are taken, on the way to a CID",
    run: withoutPorts("virtssh proxy vsock/3"),
    exit: 1,
    stderr: failure(
      "cannot connect to cid 3 on vsock port 22: no port is left on this host (EADDRNOTAVAIL)",
      "see what holds them with: ss -a --vsock",
    ),
  },
  {
    name: "no descriptor left for the connection to a guest",
    run: "ulimit -n 3; virtssh proxy vsock/3",
    exit: 1,
    stderr: "virtssh: error: cannot go on: socket was refused: too many open files in this process (EMFILE)\n",
  },
];

const TEXTS = { [PATH]: renderDomain(EMPTY), "/etc/lab/take-ports.py": TAKE_PORTS };

describe("virtssh and the kernel's AF_VSOCK", () => {
  testFacts(FACTS, (steps) => runInBox({ steps, files: INSTALLED, texts: TEXTS }, toStderr));
});
