// Guests that are destroyed while they are connected to, while they are logged in to, and while their connection is relayed: what
// the kernel makes of it, and ssh.
import { describe } from "vitest";
import { type Domain, renderDomain, startDomain } from "./domains.ts";
import { type Fact, failure, testFacts } from "./facts.ts";
import { INSTALLED } from "./installed.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

const SMALL: Domain = { name: "small", vsock: "auto" };
const OTHER: Domain = { name: "other", vsock: "auto" };
/** Runs, but there is nobody in it to answer. */
const EMPTY: Domain = { name: "empty", vsock: "auto", boots: "nothing" };
const path = ({ name }: Domain) => `/etc/lab/${name}.xml`;
const TEXTS = Object.fromEntries([SMALL, OTHER, EMPTY].map((domain) => [path(domain), renderDomain(domain)]));

const WAIT_SECONDS = 240;

/** ssh's own words: what the kernel gives it depends on whether it reads or writes just then. */
const gone = (name: string) =>
  new RegExp(
    `^(Connection to qemu/${name} closed by remote host\\.\\r?\\n|Read from remote host qemu/${name}: Connection reset by peer\\r?\\n)?(client_loop: send disconnect: .*\\r?\\n)?$`,
  );

/** Logs in, destroys the guest once something was heard of it, and says how ssh ended, and whether anything of ours is left. */
const destroyedUnder = ({ name }: Domain, options = "") => `rm -f /tmp/said
ssh -o BatchMode=yes ${options} root@qemu/${name} 'echo in; exec sleep 100' > /tmp/said & login=$!
until [ -s /tmp/said ]; do sleep 0.1; done
virsh -q destroy ${name}
wait $login; echo $?; cat /tmp/said
for n in {1..50}; do pgrep -x virtssh > /dev/null || break; sleep 0.1; done; pgrep -x virtssh`;

const started = (guest: Domain): readonly Fact[] => [
  { name: `${guest.name} is started`, run: startDomain(path(guest), guest.name) },
  {
    name: `${guest.name} is up`,
    run: `virtssh wait --timeout ${WAIT_SECONDS} qemu/${guest.name}`,
    timeoutSeconds: WAIT_SECONDS + 20,
  },
];

const FACTS: readonly Fact[] = [
  ...started(SMALL),
  ...started(OTHER),
  { name: "empty is started, to be destroyed", run: startDomain(path(EMPTY), EMPTY.name) },
  {
    name: "a guest that is destroyed while the kernel connects",
    run: "(sleep 0.5; virsh -q destroy empty) & virtssh proxy qemu/empty; status=$?; wait; exit $status",
    exit: 1,
    stderr: failure(
      'cannot connect to domain "empty": no answer on vsock port 22 (cid 5) within 2 s',
      "if it is still booting, wait with: virtssh wait qemu:system/empty",
    ),
  },
  {
    name: "a guest that is destroyed under a login",
    run: destroyedUnder(SMALL),
    exit: 1,
    stdout: "255\nin\n",
    stderr: gone(SMALL.name),
  },
  {
    name: "a guest that is destroyed under a login through the relay, which ends with it",
    run: destroyedUnder(OTHER, "-o ProxyUseFdpass=no -o 'ProxyCommand=virtssh proxy %n %p'"),
    exit: 1,
    stdout: "255\nin\n",
    stderr: gone(OTHER.name),
  },
  {
    name: "guests that were destroyed under a login are started again, and let in as before",
    run: "virtssh wait --start --timeout 240 qemu/other && virsh -q start small && virtssh wait --timeout 240 qemu/small && for name in small other; do ssh -o BatchMode=yes root@qemu/$name hostname; done",
    stdout: "small\nother\n",
    timeoutSeconds: 2 * WAIT_SECONDS + 60,
  },
];

describe("virtssh and guests that are destroyed", () => {
  testFacts(FACTS, (steps) => runInBox({ steps, files: INSTALLED, texts: TEXTS }, toStderr));
});
