// Host keys on the whole way, with the real ssh: real vhost-vsock devices, and guests that keep, change and lose their keys.
import { describe } from "vitest";
import { type Domain, renderDomain, startDomain, waitForGuest } from "./domains.ts";
import { type Fact, failure, testFacts } from "./facts.ts";
import {
  GUEST_SOCKET,
  JUMP_HOST,
  OTHER_PORT,
  PREPARE_GUEST,
  PREPARE_HOST,
  REBUILT_UUID,
  shown,
  TEXTS,
  UUID,
  withPrelude,
} from "./hostkey-lab.ts";
import { INSTALLED } from "./installed.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

const WEB: Domain = { name: "web", uuid: UUID, vsock: "auto" };
const REBUILT: Domain = { name: "web", uuid: REBUILT_UUID, vsock: "auto", hostname: "rebuilt", hostKey: 2 };

const WEB_PATH = "/etc/lab/web.xml";
const REBUILT_PATH = "/etc/lab/rebuilt.xml";

const WAIT_SECONDS = 240;

/** A login to a guest that is on its way up. */
const reach = (target: string) => `virtssh wait --timeout ${WAIT_SECONDS} ${target} && ssh root@${target} hostname`;

const SETUP: readonly Fact[] = [
  { name: "web is started", run: startDomain(WEB_PATH, WEB.name) },
  { name: "a jump host, and behind it another host of the guest's name", run: PREPARE_HOST },
  { name: "web is up", run: waitForGuest(WEB.name, WAIT_SECONDS), timeoutSeconds: WAIT_SECONDS + 10 },
];

const PINNED = shown(UUID, [["web", 22, "KEY1"]]);

const RENAMED = shown(UUID, [
  ["my web", 22, "KEY1"],
  ["web", OTHER_PORT, "KEY2"],
]);
const REBUILT_PINNED = shown(REBUILT_UUID, [["web", 22, "KEY2"]]);

const SPELLINGS = [
  ...["qemu:system/web", "qemu%web", "qemu-system%web", "web.qemu", "web.system.qemu"],
  ...[`qemu/${UUID}`, "qemu/1", "dev"],
];

const FIRST: readonly Fact[] = [
  {
    name: "a first login asks nothing and says nothing, at a terminal",
    run: withPrelude("script -qec 'ssh root@qemu/web hostname' /dev/null"),
    stdout: "web\r\n",
  },
  {
    name: "it pins the guest's key, in a place of the user's own, and leaves nothing else",
    run: withPrelude(
      `show; cd ~; stat -c '%a %n' .local/state/virtssh{,/hosts{,/*}}; ls .ssh; find /run/virtssh -type f`,
    ),
    stdout: `${PINNED}\
700 .local/state/virtssh
700 .local/state/virtssh/hosts
600 .local/state/virtssh/hosts/${UUID}
authorized_keys
config
id_ed25519
id_ed25519.pub
known_hosts
`,
  },
  {
    name: "every spelling of a domain, and an alias, has the one pin",
    run: withPrelude(`cp -a $state/virtssh /run/before
      for target in ${SPELLINGS.join(" ")}; do ssh root@$target hostname || exit 1; done
      diff -r /run/before $state/virtssh`),
    stdout: "web\n".repeat(SPELLINGS.length),
  },
  {
    name: "StrictHostKeyChecking yes takes a first key",
    user: "alice",
    run: "ssh -o StrictHostKeyChecking=yes root@qemu/web hostname",
    stdout: "web\n",
  },
  {
    name: "BatchMode takes a first key",
    user: "bob",
    run: "ssh -o BatchMode=yes root@qemu/web hostname",
    stdout: "web\n",
  },
  { name: "the guest gets other ports", run: withPrelude(PREPARE_GUEST) },
  {
    name: "another port has a pin of its own in the domain's file",
    run: withPrelude(`ssh -p ${OTHER_PORT} root@qemu/web hostname; show`),
    stdout: `web\n${PINNED}${shown("", [["web", OTHER_PORT, "KEY2"]]).replace(/^.*\n/, "")}`,
  },
  {
    name: "a first login that leaves a master behind is pinned",
    run: withPrelude(`fresh
      ssh() { command ssh -o ControlPath=$state/%C -o ControlMaster=auto -o ControlPersist=60 "$@" root@web.qemu; }
      ssh -o RemoteCommand=hostname; ssh -o RemoteCommand=hostname -o ProxyCommand=false; ssh -qO exit; show`),
    stdout: `web\nweb\n${PINNED}`,
  },
];

/** The warning is all that ssh's user sees of it, and then ssh refuses. */
const NOT_OURS = `\
virtssh: warning: cannot vouch for the host key of "web.qemu": virtssh knows of no domain behind this connection
virtssh: hint: behind ProxyJump or a ProxyCommand of your own, let ssh check it: -o KnownHostsCommand=none -o UserKnownHostsFile=~/.ssh/known_hosts
`;
const REFUSED = "Host key verification failed.\r\n";

const JUMPS: readonly Fact[] = [
  {
    name: "a guest as the jump host is pinned, and what is behind it is not",
    run: withPrelude("fresh; ssh -J root@web.qemu root@127.0.0.1 hostname; show"),
    stdout: `web\n${PINNED}`,
  },
  {
    name: "a key that has come through a jump host is no guest's, right after a login to that guest",
    run: withPrelude(
      `cp -a $state/virtssh /run/pinned; ssh root@web.qemu hostname; ssh -J ${JUMP_HOST} root@web.qemu true; echo $?; diff -r /run/pinned $state/virtssh`,
    ),
    stdout: "web\n255\n",
    stderr: NOT_OURS + REFUSED,
  },
  {
    name: "a first key that has come through a jump host is not pinned",
    run: withPrelude(`fresh; ssh -J ${JUMP_HOST} root@web.qemu true; find $state -mindepth 1`),
    stderr: NOT_OURS + REFUSED,
  },
  {
    name: "a key that has come through a jump host is for a known_hosts file, where the user has one",
    run: withPrelude(`fresh; own="-o UserKnownHostsFile=$state/own -o StrictHostKeyChecking=accept-new"
      ssh $own root@web.qemu hostname; ls $state; ssh $own -J ${JUMP_HOST} root@web.qemu hostname; show; wc -l < $state/own`),
    stdout: `web\nvirtssh\nhypervisor\n${PINNED}1\n`,
    stderr: `${NOT_OURS}Warning: Permanently added 'web.qemu' (ED25519) to the list of known hosts.\r\n`,
  },
];

/** logind has one for root while there is a session, and for a few seconds more. Then it takes it away, and all that is in it. */
const SESSIONS: readonly Fact[] = [
  {
    name: "the end of another session of root's does not keep ssh from knowing the guest",
    run: withPrelude(`ssh ${JUMP_HOST.replace(":", " -p ")} true; ls /run/user | grep -x 0
      virtssh proxy qemu/web < /dev/null > /dev/null; systemctl stop user-runtime-dir@0; ls /run/user | grep -x 0
      virtssh known-hosts -- HOSTNAME ssh-ed25519 $(key 1) web.qemu | sed "s|$(key 1)|KEY1|"`),
    stdout: "0\n* ssh-ed25519 KEY1\n",
  },
];

const MANY = 50;

/**
 * The guest, which is small and emulated, serves 16 of them at a time: see PREPARE_GUEST. The others wait for its first word. It may be
 * too busy to take one within the kernel's two seconds: that one tries again.
 */
const CONCURRENT: readonly Fact[] = [
  {
    name: `${MANY} first logins at once leave one file with one key`,
    run: withPrelude(`fresh; cd $(mktemp -d)
      login() { until ssh -p ${OTHER_PORT} root@qemu/web true 2> $1; do grep -q 'no answer on vsock port' $1 || return; done; }
      for number in {1..${MANY}}; do login $number & started+=($!); done
      succeeded=0; for login in "\${started[@]}"; do wait $login && ((succeeded += 1)); done
      echo $succeeded; sort * | uniq -c; show; find $state /run/virtssh -type f -printf '%f\n' | sort`),
    stdout: `${MANY}\n${shown(UUID, [["web", OTHER_PORT, "KEY2"]])}${UUID}\nlock\n`,
  },
];

const BOOTED_AGAIN: readonly Fact[] = [
  {
    name: "a guest whose memory was saved meanwhile is known",
    run: `virsh -q managedsave web && virsh -q start web && ${reach("qemu/web")}`,
    timeoutSeconds: WAIT_SECONDS + 20,
    stdout: "web\n",
  },
  {
    name: "a domain gets another name, with a space in it, and a new one gets its old name",
    run: `virsh -q destroy web; virsh -q domrename web 'my web' && virsh -q start 'my web' && ${startDomain(REBUILT_PATH, "web")}`,
  },
  {
    name: "a renamed domain keeps its pin, and its name is kept with it",
    run: withPrelude(`${reach("qemu/my%20web")}; show`),
    timeoutSeconds: WAIT_SECONDS + 20,
    stdout: `web\n${RENAMED}`,
  },
  {
    name: "a rebuilt domain of the old name is another one",
    run: withPrelude(`${reach("qemu/web")}; show`),
    timeoutSeconds: WAIT_SECONDS + 20,
    stdout: `rebuilt\n${RENAMED}${REBUILT_PINNED}`,
  },
];

const CHANGED = `${failure(
  `the host key of domain "my web" (uuid ${UUID}) has changed: its ED25519 key on vsock port 22 is not the one that is pinned since TIME`,
  "a guest that was reinstalled in place looks like this; if this one was: virtssh trust forget qemu:system/my%20web; what ssh says about known_hosts files does not apply here",
)}Host key for qemu/my%20web has changed and you have requested strict checking.\r\n${REFUSED}`;

const CHANGES: readonly Fact[] = [
  {
    name: "the guest gets another key",
    run: withPrelude(
      `ssh -fNM -S ${GUEST_SOCKET} root@qemu/my%20web && guest 'cp /etc/ssh/host_key_2 /etc/ssh/host_key_1'`,
    ),
  },
  {
    name: "a changed key is refused, with our words before ssh's, and is not pinned",
    run: withPrelude("tell ssh root@qemu/my%20web true; echo $?; show"),
    stdout: `${CHANGED}255\n${RENAMED}${REBUILT_PINNED}`,
  },
  {
    name: "a changed key is refused where a master would stay, with our words",
    run: withPrelude(
      "tell ssh -o ControlPath=/run/%C -o ControlMaster=auto -o ControlPersist=60 root@qemu/my%20web true",
    ),
    exit: 255,
    stdout: CHANGED,
  },
  {
    name: "a changed key is refused under accept-new, and a file of the user's own is left alone",
    user: "alice",
    run: withPrelude(`cd ~/.ssh; echo "other $(< /lab/guest-host-key-2.pub)" > own; cp own before
      printf '%s\\n' 'Host *' '  StrictHostKeyChecking accept-new' '  UserKnownHostsFile ~/.ssh/own' > config
      tell ssh root@qemu/my%20web true; cmp own before; ls`),
    stdout: `${CHANGED}before\nconfig\nid_ed25519\nid_ed25519.pub\nown\n`,
  },
  {
    name: "once the old key is forgotten, the next login pins the new one",
    run: withPrelude("virtssh trust forget qemu:system/my%20web; ssh root@qemu/my%20web hostname; show"),
    stdout: new RegExp(
      `^forgot 256 SHA256:\\S{43} my web \\(ED25519\\).*\n(forgot .*\n)*web\n${shown(UUID, [["my web", 22, "KEY2"]]).replace("*", "\\*")}`,
    ),
  },
  { name: "no login has left a record", run: "find /run/virtssh /run/user -path '*virtssh/*'" },
];

const texts = { ...TEXTS, [WEB_PATH]: renderDomain(WEB), [REBUILT_PATH]: renderDomain(REBUILT) };

describe("virtssh and host keys, in a box", () => {
  const facts = [...SETUP, ...FIRST, ...JUMPS, ...SESSIONS, ...CONCURRENT, ...BOOTED_AGAIN, ...CHANGES];
  testFacts(facts, (steps) => runInBox({ steps, files: INSTALLED, texts }, toStderr));
});
