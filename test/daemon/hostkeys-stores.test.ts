// What becomes of a login when the places of records and pins are not as they should be: with the real ssh, natively. What cannot be
// written is a warning; what cannot be read may be a pin, ends the login, and is left as it is.
import { describe } from "vitest";
import { type Fact, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { FILES, inLab, NO_CONNECTION, ONE, pinned, SETUP, TEXTS, WEB } from "./hostkeys-lab.ts";

/** Our two lines. */
const say = (severity: "error" | "warning", error: string, hint: string) =>
  `virtssh: ${severity}: ${error}\nvirtssh: hint: ${hint}\n`;

const NO_ROOM = "see which file system has no room left, or no inodes: df -h; df -i";
const READ_ONLY = "see which file systems are read-only with: findmnt -O ro";
const partsOf = (path: string) => `see the owner and the mode of each part of the path with: namei -l ${path}`;
const whose = (path: string) => `see whose it is, and why, with: ls -ld ${path}`;
const what = (path: string) => `see what it is with: ls -ld ${path}`;

const RUNTIME = "/run/user/1000";
const RECORDS = `${RUNTIME}/virtssh`;
const STATE = "/home/alice/.local/state/virtssh";
const PINS = `${STATE}/hosts/${WEB}`;

/** Alice logs in, and what ssh ends with; she has no state directory, or cannot use it, where records need another place. */
const ALICE = `alice() { as_user alice bash -c ". /etc/lab/keys.sh; $1"; }
for place in ${RUNTIME} /home/alice/.local/state; do umount $place 2> /dev/null; done; chmod 700 ${RUNTIME}; fresh`;
const LOGIN = "alice 'login root@web.qemu echo in; echo $?'";
const NO_HOME = "install -d -m 755 /home/alice/.local";

interface Place {
  readonly name: string;
  /** Makes it so. */
  readonly made: string;
  readonly why: string;
  readonly hint: string;
}

const PLACES: readonly Place[] = [
  {
    name: "a directory for records that is another user's, and no other place",
    made: `install -d -m 755 ${RECORDS}`,
    why: `cannot trust "${RECORDS}": it belongs to uid 0, not to uid 1000`,
    hint: whose(RECORDS),
  },
  {
    name: "a directory for records that others may write to, and no other place",
    made: `install -d -o alice -m 775 ${RECORDS}`,
    why: `cannot trust "${RECORDS}": others may write to it`,
    hint: `if all that is in it is yours, forbid it with: chmod go-w ${RECORDS}`,
  },
  {
    name: "a file where the directory for records is to be, and no other place",
    made: `install -o alice /dev/null ${RECORDS}`,
    why: `cannot use "${RECORDS}": it is no directory`,
    hint: what(RECORDS),
  },
  {
    name: "a link where the directory for records is to be, and no other place",
    made: `ln -s /tmp ${RECORDS}`,
    why: `cannot use "${RECORDS}": it is no directory`,
    hint: what(RECORDS),
  },
  {
    name: "a runtime directory that is read-only, and no other place",
    made: `mount -t tmpfs -o ro,uid=1000,mode=700 tmpfs ${RUNTIME}`,
    why: `cannot write "${RECORDS}": the file system is read-only (EROFS)`,
    hint: READ_ONLY,
  },
  {
    name: "a runtime directory that may not be written to, and no other place",
    made: `chmod 500 ${RUNTIME}`,
    why: `cannot write "${RECORDS}": permission denied (EACCES)`,
    hint: partsOf(RECORDS),
  },
  {
    name: "a runtime directory that is full, and no other place",
    made: `mount -t tmpfs -o nr_inodes=1,uid=1000,mode=700 tmpfs ${RUNTIME}`,
    why: `cannot write "${RECORDS}": no space left (ENOSPC)`,
    hint: NO_ROOM,
  },
];

const RECORD_FACTS: readonly Fact[] = [
  ...PLACES.flatMap(({ name, made, why, hint }) => [
    {
      name,
      run: `${ALICE}; ${NO_HOME}; ${made}; ${LOGIN}`,
      stdout: "255\n",
      stderr: say("error", `cannot tell ssh which guest this is: ${why}`, hint) + NO_CONNECTION,
    },
    {
      name: `with a home, another place is found: ${name.replace(/, and no other place/, "")}`,
      run: `${ALICE}; ${made}; ${LOGIN}; pins ${STATE}; ls ${STATE}`,
      stdout: `in\n0\n${pinned(ONE)}hosts\nlock\nrun\n`,
    },
  ]),
  {
    name: "no room for a record",
    run: `${ALICE}; ${NO_HOME}; mount -t tmpfs -o nr_inodes=2,uid=1000,mode=700 tmpfs ${RUNTIME}; ${LOGIN} 2>&1 | sed -E 's,virtssh/[0-9-]+,virtssh/PID-TIME,' >&2`,
    stderr:
      say(
        "error",
        `cannot tell ssh which guest this is: cannot write "${RECORDS}/PID-TIME": no space left (ENOSPC)`,
        NO_ROOM,
      ) +
      NO_CONNECTION +
      "255\n",
  },
  {
    name: "no room for a record in the runtime directory, and a home",
    run: `${ALICE}; mount -t tmpfs -o nr_inodes=2,uid=1000,mode=700 tmpfs ${RUNTIME}; ${LOGIN}; pins ${STATE}; ls ${STATE}`,
    stdout: `in\n0\n${pinned(ONE)}hosts\nlock\nrun\n`,
  },
  {
    name: "a parent that virtssh cannot see",
    run: `${ALICE}; login -o 'ProxyCommand=unshare --pid --fork virtssh proxy --fdpass %h %p' web.qemu echo in; echo $?; made`,
    stdout: "255\n",
    stderr:
      say(
        "error",
        "cannot tell ssh which guest this is: the process that has started virtssh is not in /proc",
        "see what is mounted there with: findmnt /proc",
      ) + NO_CONNECTION,
  },
  {
    name: "a client of a relay need not be ssh, and gets its connection without a record",
    run: `${ALICE}; ${NO_HOME}; install -d ${RECORDS}; alice 'virtssh proxy qemu/web < /dev/null | head -c 8; echo'`,
    stdout: "SSH-2.0-\n",
  },
];

/** What ssh says of a KnownHostsCommand that has failed. */
const NO_ANSWER = `KnownHostsCommand-ORDER /usr/bin/virtssh known-hosts -- ORDER NONE NONE web.qemu failed, status 1
KnownHostsCommand failed
`;

/** Alice has a key pinned; then something is made of the file, and it stays as it is. */
const AFTER = `${ALICE}; alice 'login root@web.qemu true'`;
const KEPT = (path: string) =>
  `stat -c '%a %U %F %s' ${path} > before; ${LOGIN}; stat -c '%a %U %F %s' ${path} | cmp - before`;

const UNREADABLE: readonly (Place & { readonly path?: string })[] = [
  {
    name: "pins that cannot be read",
    made: `chmod 0 ${PINS}`,
    why: `cannot read "${PINS}": permission denied (EACCES)`,
    hint: partsOf(PINS),
  },
  {
    name: "pins that belong to another user",
    made: `chown root ${PINS}; chmod 644 ${PINS}`,
    why: `cannot trust "${PINS}": it belongs to uid 0, not to uid 1000`,
    hint: whose(PINS),
  },
  {
    name: "pins that others may write to",
    made: `chmod 620 ${PINS}`,
    why: `cannot trust "${PINS}": others may write to it`,
    hint: `if all that is in it is yours, forbid it with: chmod go-w ${PINS}`,
  },
  {
    name: "pins that are a directory",
    made: `rm ${PINS}; install -d -o alice -m 700 ${PINS}`,
    why: `cannot use "${PINS}": it is no regular file`,
    hint: what(PINS),
  },
  {
    name: "pins that are a FIFO",
    made: `rm ${PINS}; mkfifo -m 600 ${PINS}; chown alice ${PINS}`,
    why: `cannot use "${PINS}": it is no regular file`,
    hint: what(PINS),
  },
  {
    name: "pins behind a symbolic link",
    made: `mv ${PINS} /home/alice/elsewhere; ln -s /home/alice/elsewhere ${PINS}`,
    why: `cannot read "${PINS}": too many symbolic links (ELOOP)`,
    hint: partsOf(PINS),
  },
  {
    name: "a file where the directory of pins is to be",
    made: `rm -r ${STATE}/hosts; install -o alice /dev/null ${STATE}/hosts`,
    why: `cannot use "${STATE}/hosts": it is no directory`,
    hint: what(`${STATE}/hosts`),
    path: `${STATE}/hosts`,
  },
  {
    name: "a directory of pins that others may write to",
    made: `chmod 777 ${STATE}/hosts`,
    why: `cannot trust "${STATE}/hosts": others may write to it`,
    hint: `if all that is in it is yours, forbid it with: chmod go-w ${STATE}/hosts`,
  },
  {
    name: "a state directory that is another user's",
    made: `chown root ${STATE}; chmod 755 ${STATE}`,
    why: `cannot trust "${STATE}": it belongs to uid 0, not to uid 1000`,
    hint: whose(STATE),
  },
  {
    name: "a file of pins that is too large",
    made: `yes '# a comment' | head -c 70000 >> ${PINS}`,
    why: `cannot keep the host keys in "${PINS}": they are more than 65536 bytes`,
    hint: `see what it holds with: less ${PINS}`,
  },
  {
    name: "a file of pins with a line that is no key",
    made: `echo '* ssh-ed25519 AAAA' >> ${PINS}`,
    why: `cannot read the host keys in "${PINS}": line 4 is no host key`,
    hint: `look at that line, and correct or remove it: less ${PINS}`,
  },
  {
    name: "a file of pins that was cut short",
    made: `truncate -s -9 ${PINS}`,
    why: `cannot read the host keys in "${PINS}": line 3 is no host key`,
    hint: `look at that line, and correct or remove it: less ${PINS}`,
  },
];

const ADMIN = `/etc/virtssh/hosts/${WEB}`;

const PIN_FACTS: readonly Fact[] = [
  ...UNREADABLE.map(({ name, made, why, hint, path = PINS }) => ({
    name,
    run: `${AFTER}; ${made}; ${KEPT(path)}`,
    stdout: "255\n",
    stderr: say("error", why, hint) + NO_ANSWER,
  })),
  {
    name: "pins that cannot be read end a login under StrictHostKeyChecking no, too",
    run: `${AFTER}; chmod 0 ${PINS}; alice 'login -o StrictHostKeyChecking=no root@web.qemu echo in; echo $?'`,
    stdout: "255\n",
    stderr: say("error", `cannot read "${PINS}": permission denied (EACCES)`, partsOf(PINS)) + NO_ANSWER,
  },
  {
    name: "pins that cannot be read end a login where ssh does not ask which types to prefer, too, and no record is left",
    run: `${AFTER}; chmod 0 ${PINS}; alice 'login -o HostKeyAlgorithms=ssh-ed25519 root@web.qemu echo in; echo $?'; ls ${RECORDS}`,
    stdout: "255\n",
    stderr:
      say("error", `cannot read "${PINS}": permission denied (EACCES)`, partsOf(PINS)) +
      NO_ANSWER.replaceAll("ORDER", "HOSTNAME").replace("NONE NONE", ONE),
  },
  {
    name: "a pin that was cut short does not let another key in, where the user's own configuration accepts new ones",
    run: `${AFTER}; truncate -s -9 ${PINS}; guest 7-22 two; alice 'login -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=~/.ssh/known_hosts_own root@web.qemu echo in; echo $?'; ls /home/alice/.ssh`,
    stdout: "255\nid_ed25519\nid_ed25519.pub\n",
    stderr:
      say(
        "error",
        `cannot read the host keys in "${PINS}": line 3 is no host key`,
        `look at that line, and correct or remove it: less ${PINS}`,
      ) + NO_ANSWER,
  },
  {
    name: "pins of the administrator's that cannot be read",
    run: `${ALICE}; install -d -m 755 /etc/virtssh/hosts; install -m 600 /dev/null ${ADMIN}; ${LOGIN}; rm -r /etc/virtssh; ls -A /home/alice/.local 2> /dev/null`,
    exit: "failure",
    stdout: "255\n",
    stderr: say("error", `cannot read "${ADMIN}": permission denied (EACCES)`, partsOf(ADMIN)) + NO_ANSWER,
  },
];

const unpinned = (why: string, hint: string) =>
  say("warning", `the host key of domain "web" is accepted this time, and not pinned: ${why}`, hint);

/** A file system of alice's own where her state is kept. */
const mounted = (options: string) =>
  `install -d -o alice /home/alice/.local /home/alice/.local/state; mount -t tmpfs -o uid=1000,mode=700,${options} tmpfs /home/alice/.local/state`;
const FULL = say(
  "warning",
  `the host key of domain "web" is accepted this time, and not pinned: cannot write "${PINS}": no space left (ENOSPC)`,
  NO_ROOM,
);
/** Of a user in /etc/passwd who has no home there. */
const NOBODY = `fresh; grep -q ^ghost /etc/passwd || { echo 'ghost:x:4711:4711:::/bin/bash' >> /etc/passwd; echo ghost:x:4711: >> /etc/group; }; install -m 600 -o 4711 /lab/id /tmp/ghost-id
ghost() { plainly setpriv --reuid 4711 --regid 4711 --clear-groups env -u HOME "$@" ssh -o BatchMode=yes -i /tmp/ghost-id root@web.qemu echo in; echo $?; }`;
const NO_PLACE =
  "there is no place of uid 4711's own: XDG_RUNTIME_DIR and HOME name none, and /etc/passwd names no home";
const SET_HOME = "set HOME to a directory that you may write to";

const UNWRITABLE: readonly Fact[] = [
  {
    name: "no room for a pin",
    run: `${ALICE}; ${mounted("nr_inodes=4")}; ${LOGIN}; ${LOGIN}; ls ${STATE}/hosts ${RECORDS}`,
    stdout: `in\n0\nin\n0\n${STATE}/hosts:\n\n${RECORDS}:\n`,
    stderr: FULL + FULL,
  },
  {
    name: "room for a file, and not for what it is to hold",
    run: `${ALICE}; ${mounted("size=4k")}; head -c 4k /dev/zero > /home/alice/.local/state/full; ${LOGIN}; ls ${STATE}/hosts; rm /home/alice/.local/state/full; ${LOGIN}; pins ${STATE}`,
    stdout: `in\n0\nin\n0\n${pinned(ONE)}`,
    stderr: FULL,
  },
  {
    name: "a home that is read-only",
    run: `${ALICE}; ${mounted("ro")}; ${LOGIN}`,
    stdout: "in\n0\n",
    stderr: unpinned(`cannot write "${STATE}/hosts": the file system is read-only (EROFS)`, READ_ONLY),
  },
  {
    name: "where pins can be read and not written, the pinned key is known in silence, on another day too, and any other is refused",
    run: `${ALICE}; ${mounted("rw")}; alice 'login root@web.qemu true'; sed -i 's/seen [0-9-]*T/seen 2001-02-03T/g' ${PINS}; mount -o remount,ro /home/alice/.local/state; ${LOGIN}; guest 7-22 two; ${LOGIN} 2>&1 | grep -c 'has changed'`,
    stdout: "in\n0\n2\n",
  },
  {
    name: "a lock that somebody holds on to, at the first login",
    run: `${ALICE}; alice 'login root@web.qemu true'; rm ${PINS}; exec 8< ${STATE}/lock; flock 8; ${LOGIN}; ls ${STATE}/hosts; exec 8<&-; ${LOGIN}; pins ${STATE}`,
    stdout: `in\n0\nin\n0\n${pinned(ONE)}`,
    stderr: unpinned(
      `cannot lock "${STATE}/lock": another process has held it for 5 s`,
      `see which one with: lslocks | grep -F ${STATE}/lock`,
    ),
  },
  {
    name: "a user without a home",
    run: `${NOBODY}; install -d -m 700 -o 4711 -g 4711 /run/user/4711; ghost XDG_RUNTIME_DIR=/run/user/4711; ls -A /run/user/4711/virtssh; rm -r /run/user/4711`,
    stdout: "in\n0\n",
    stderr: unpinned(NO_PLACE, SET_HOME),
  },
  {
    name: "no home, no runtime directory, and nothing in /etc/passwd",
    run: `${NOBODY}; ghost -u XDG_RUNTIME_DIR`,
    stdout: "255\n",
    stderr: say("error", NO_PLACE, SET_HOME) + NO_CONNECTION,
  },
];

describe("virtssh and places for records and pins that are of no use", () => {
  const facts = inLab([...RECORD_FACTS, ...PIN_FACTS, ...UNWRITABLE]);
  testFacts([...SETUP, ...facts], (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
