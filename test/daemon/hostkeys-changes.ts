// A guest that shows another key than the one that is pinned: when it is refused, what is said then, and what makes an end of it.
import { type Fact, failure } from "../lab/facts.ts";
import { ONE, pinned, REBUILT, TWO, WEB } from "./hostkeys-lab.ts";

const RULE = "@".repeat(59);

interface Shown {
  /** The key's name here, and its type. */
  readonly key: string;
  readonly type: string;
  /** The type of the one that is pinned. */
  readonly pinnedType?: string;
  /** A file of the user's own. */
  readonly file?: string;
}

/** ssh's own words, once ours have been said. */
export function sshShouts({ key, type, pinnedType = type, file }: Shown): string {
  return `${RULE}
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
${RULE}
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Someone could be eavesdropping on you right now (man-in-the-middle attack)!
It is also possible that a host key has just been changed.
The fingerprint for the ${type} key sent by the remote host is
<SHA256 of ${key}>.
Please contact your system administrator.
${file === undefined ? "" : `Add correct host key in ${file} to get rid of this message.\n`}Offending ${pinnedType} key in KnownHostsCommand-HOSTNAME:1
  remove with:
  ssh-keygen -f 'KnownHostsCommand-HOSTNAME' -R 'web.qemu'
`;
}

export const REFUSES = `Host key for web.qemu has changed and you have requested strict checking.
Host key verification failed.
`;

const SINCE = "2000-01-01 00:00 UTC";

/** Our two lines. */
export const changed = (what: string, act = "virtssh trust forget qemu:system/web") =>
  failure(
    `the host key of domain "web" (uuid ${WEB}) has changed: ${what}`,
    `a guest that was reinstalled in place looks like this; if this one was: ${act}; what ssh says about known_hosts files does not apply here`,
  );

export const OTHER_KEY = changed(`its ED25519 key on vsock port 22 is not the one that is pinned since ${SINCE}`);
const OTHER_TYPE = changed(`it shows its RSA key on vsock port 22, where ED25519 is pinned since ${SINCE}`);

export const SHOWN_TWO = { key: "two", type: "ED25519" } as const;
export const SHOWN_RSA = { key: "rsa", type: "RSA", pinnedType: "ED25519" } as const;

const GOES_ON = `Password authentication is disabled to avoid man-in-the-middle attacks.
Keyboard-interactive authentication is disabled to avoid man-in-the-middle attacks.
`;

/** One is pinned, and the guest shows another. */
const AFTER = (key: string) => `fresh; login web.qemu true; cp $STATE/hosts/${WEB} text; guest 7-22 ${key}`;
const UNCHANGED = `cmp $STATE/hosts/${WEB} text; made | grep -v hosts/; ls /run/virtssh`;

const STORE = `700 root d root/.local/state/virtssh
700 root d root/.local/state/virtssh/hosts
600 root f root/.local/state/virtssh/lock
700 root d run/virtssh
`;

const REFUSED: readonly Fact[] = [
  {
    name: "a guest that shows another key",
    run: `${AFTER("two")}; login web.qemu echo in; echo $?; ${UNCHANGED}`,
    stdout: `255\n${STORE}`,
    stderr: OTHER_KEY + sshShouts(SHOWN_TWO) + REFUSES,
  },
  {
    name: "a guest that shows a key of another type",
    run: `${AFTER("rsa")}; login web.qemu echo in; echo $?; ${UNCHANGED}`,
    stdout: `255\n${STORE}`,
    stderr: OTHER_TYPE + sshShouts(SHOWN_RSA) + REFUSES,
  },
  ...[
    { shown: SHOWN_TWO, said: OTHER_KEY },
    { shown: SHOWN_RSA, said: OTHER_TYPE },
  ].map(({ shown, said }) => ({
    name: `accept-new and a known_hosts file of the user's own do not let ${shown.key} in for one, and the file stays as it is`,
    run: `${AFTER(shown.key)}; printf 'Host *\\n  StrictHostKeyChecking accept-new\\n  UserKnownHostsFile ~/.ssh/known_hosts_own\\n' > ~/.ssh/config; echo '# mine' > ~/.ssh/known_hosts_own; login web.qemu echo in; echo $?; cat ~/.ssh/known_hosts_own; ${UNCHANGED}`,
    stdout: `255\n# mine\n${STORE}`,
    stderr: said + sshShouts({ ...shown, file: "/root/.ssh/known_hosts_own" }) + REFUSES,
  })),
  {
    name: "StrictHostKeyChecking no goes on, as ssh means it, without passwords",
    run: `${AFTER("two")}; login -o StrictHostKeyChecking=no web.qemu echo in; echo $?; ${UNCHANGED}`,
    stdout: `in\n0\n${STORE}`,
    stderr: OTHER_KEY + sshShouts(SHOWN_TWO) + GOES_ON,
  },
  {
    name: "a changed key behind ControlPersist is told of as well",
    run: `${AFTER("two")}; login -o ControlMaster=auto -o ControlPath=/tmp/cm-%C -o ControlPersist=20 web.qemu echo in; echo $?; ${UNCHANGED}; ls /tmp/cm-* 2> /dev/null`,
    exit: "failure",
    stdout: `255\n${STORE}`,
    stderr: OTHER_KEY + sshShouts(SHOWN_TWO) + REFUSES,
  },
  {
    name: "another port's pin does not count",
    run: `${AFTER("one")}; guest 7-2222 two; login -p 2222 web.qemu echo in; guest 7-22 two; login web.qemu echo in; echo $?`,
    stdout: "in\n255\n",
    stderr: OTHER_KEY + sshShouts(SHOWN_TWO) + REFUSES,
  },
];

const ENDS: readonly Fact[] = [
  {
    name: "once the pins are forgotten, the new key is pinned",
    run: `${AFTER("two")}; rm $STATE/hosts/${WEB}; for i in 1 2; do login web.qemu echo in; done; pins`,
    stdout: `in\nin\n${pinned(TWO)}`,
  },
  {
    name: "what the hint says has the new key pinned",
    run: `${AFTER("two")}; hint=$(ssh -o BatchMode=yes web.qemu 2>&1 | sed -n 's/.*if this one was: \\(.*\\); what ssh says .*/\\1/p'); echo "$hint"; eval "$hint" | plain; for i in 1 2; do login web.qemu echo in; done; pins`,
    stdout: `virtssh trust forget qemu:system/web\nforgot 256 <SHA256 of one> web (ED25519), vsock port 22, uuid ${WEB}\nin\nin\n${pinned(TWO)}`,
  },
  {
    name: "the pinned key is known again, once the guest shows it again",
    run: `${AFTER("two")}; login web.qemu true 2> /dev/null; guest 7-22 one; login web.qemu echo in; pins`,
    stdout: `in\n${pinned(ONE)}`,
  },
  {
    name: "a rebuilt domain, of the same name and CID, has another UUID, and a pin of its own",
    run: `${AFTER("two")}; virsh -q destroy web; virsh -q undefine web; virsh -q define /etc/lab/rebuilt.xml; virsh -q start web
for i in 1 2; do login web.qemu echo in; done; pins; virsh -q destroy web; virsh -q undefine web`,
    stdout: `in\nin\n${pinned(ONE)}${pinned(TWO, { uuid: REBUILT })}`,
  },
  {
    name: "the domain that was there before is known again",
    run: "virsh -q define /etc/lab/web.xml; virsh -q start web; guest 7-22 one; login web.qemu echo in",
    stdout: "in\n",
  },
  {
    name: "a renamed domain keeps its pin, under its new name",
    run: `fresh; login web.qemu true; virsh -q destroy web; virsh -q domrename web shop; virsh -q start shop; login shop.qemu echo in; pins; guest 7-22 two; login shop.qemu true; echo $?`,
    stdout: `in\n${pinned(ONE, { name: "shop" })}255\n`,
    stderr:
      OTHER_KEY.replaceAll("system/web", "system/shop").replace('"web"', '"shop"') +
      sshShouts(SHOWN_TWO).replace("web.qemu", "shop.qemu") +
      REFUSES.replace("web.qemu", "shop.qemu"),
  },
  {
    name: "it has its old name again",
    run: "virsh -q destroy shop; virsh -q domrename shop web; virsh -q start web; guest 7-22 one; login web.qemu echo in; pins",
    stdout: `in\n${pinned(ONE)}`,
  },
];

export const CHANGES: readonly Fact[] = [...REFUSED, ...ENDS];
