// `virtssh trust`, on pins that lie in a user's home, with domains that a real libvirtd has or has had. ssh-keygen says how a key is
// to be shown.
import { describe } from "vitest";
import { renderDomain } from "../lab/domains.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";

const WEB = "11111111-2222-4333-8444-555555555555";
const GONE = "22222222-2222-4333-8444-555555555555";
const GONE_TOO = "33333333-2222-4333-8444-555555555555";
const SPACED = "44444444-2222-4333-8444-555555555555";
const ADMINS = "55555555-2222-4333-8444-555555555555";

const STATE = "/home/alice/.local/state/virtssh";
const HOSTS = `${STATE}/hosts`;

/** Makes a fresh store for alice: keys in k/, and pins of some domains. */
const PREPARE = `set -e
cd; [ ! -d .local ] || chmod -R u+rwx .local; rm -rf .local k before; mkdir k
for type in ed25519 rsa ecdsa; do ssh-keygen -q -t $type -N '' -C '' -f k/$type; done
mkdir -p -m 700 .local/state/virtssh/hosts
umask 077
pin() { # UUID NAME PORT TYPE
  echo "# domain \\"$2\\", port $3, first seen 2026-11-01T01:02:03Z, last seen 2026-11-02T03:04:05Z" >> ${HOSTS}/$1
  echo "* $(cut -d' ' -f1,2 k/$4.pub)" >> ${HOSTS}/$1
}
pin ${WEB} web 22 ed25519
pin ${WEB} web 2222 rsa
pin ${GONE} gone 22 ecdsa
pin ${GONE_TOO} twice 22 ed25519
pin ${SPACED} 'my \\u202e vm' 22 rsa
`;

/** What `ssh-keygen -l` prints of a key of alice's, with another comment. */
const line = (type: string, name: string) => `$(ssh-keygen -lf k/${type}.pub | sed 's/ no comment / ${name} /')`;

const TEXTS = {
  "/etc/lab/web.xml": renderDomain({ name: "web", uuid: WEB, vsock: "none", boots: "nothing" }),
  "/etc/lab/admins.xml": renderDomain({ name: "admins", uuid: ADMINS, vsock: "none", boots: "nothing" }),
  "/etc/lab/prepare.sh": PREPARE,
};

type Rest = Omit<Fact, "name" | "run" | "user">;

/** A step of alice's on a fresh store; stdout is a template of bash. */
const alice = (name: string, run: string, rest: Rest = {}): Fact => ({
  name,
  user: "alice",
  run: `. /etc/lab/prepare.sh; set +e; ${run}`,
  ...rest,
});

/** What is printed is what the template expands to. */
const prints = (name: string, run: string, expected: string): Fact =>
  alice(name, `diff <(${run}) - << END && echo same\n${expected}\nEND`, { stdout: "same\n" });

const DEFINED: readonly Fact[] = [
  {
    name: "two domains, neither of which runs",
    run: "virsh -q define /etc/lab/web.xml; virsh -q define /etc/lab/admins.xml",
  },
  {
    name: "the administrator has pinned a key, and a signer",
    run: `mkdir -p /etc/virtssh/hosts; ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/lab/admin
{ echo "web,10.0.0.1 $(cut -d' ' -f1,2 /etc/lab/admin.pub) a comment"; echo "@cert-authority * $(cat /etc/lab/admin.pub)"; } > /etc/virtssh/hosts/${ADMINS}
chmod -R a+rX /etc/virtssh /etc/lab`,
  },
];

const detail = (uuid: string, port: number) =>
  [
    `    uuid ${uuid}, vsock port ${port}`,
    "    first seen 2026-11-01 01:02 UTC",
    "    last seen 2026-11-02",
    `    in "${HOSTS}/${uuid}"`,
  ].join("\n");

const SHOWN: readonly Fact[] = [
  prints(
    "show prints keys as ssh-keygen -l does",
    "virtssh trust show qemu/web",
    `${line("ed25519", "web")}\n${detail(WEB, 22)}\n${line("rsa", "web")}\n${detail(WEB, 2222)}`,
  ),
  prints(
    "show --port prints one",
    "virtssh trust show --port 2222 web.qemu",
    `${line("rsa", "web")}\n${detail(WEB, 2222)}`,
  ),
  ...[GONE, GONE.replaceAll("-", ""), `qemu/${GONE}`, "qemu/gone", "gone.system.qemu"].map((target) =>
    prints(
      `a domain that is not defined any more, as ${target}`,
      `virtssh trust show ${target}`,
      `${line("ecdsa", "gone")}\n${detail(GONE, 22)}`,
    ),
  ),
  prints(
    "a name that would turn the line around",
    `virtssh trust show ${SPACED} | head -1`,
    line("rsa", "my \\\\u{202e} vm"),
  ),
  prints(
    "the administrator's pins, beside which none of the user's count",
    "virtssh trust show qemu/admins",
    `${"$(ssh-keygen -lf /etc/lab/admin.pub | sed 's/ no comment / - /')"}
    uuid ${ADMINS}, any port
    in "/etc/virtssh/hosts/${ADMINS}", the administrator's
${"$(ssh-keygen -lf /etc/lab/admin.pub | sed 's/ no comment / - /')"} @cert-authority
    uuid ${ADMINS}, any port
    in "/etc/virtssh/hosts/${ADMINS}", the administrator's`,
  ),
  alice("list prints all, in columns", "virtssh trust list | sed 's/SHA256:[^ ]*/SHA256:…/'", {
    stdout: `DOMAIN          PORT  FIRST SEEN  LAST SEEN   BY     UUID                                  KEY
web             22    2026-11-01  2026-11-02  you    ${WEB}  256 SHA256:… (ED25519)
web             2222  2026-11-01  2026-11-02  you    ${WEB}  3072 SHA256:… (RSA)
gone            22    2026-11-01  2026-11-02  you    ${GONE}  256 SHA256:… (ECDSA)
twice           22    2026-11-01  2026-11-02  you    ${GONE_TOO}  256 SHA256:… (ED25519)
my \\u{202e} vm  22    2026-11-01  2026-11-02  you    ${SPACED}  3072 SHA256:… (RSA)
-               any   -           -           admin  ${ADMINS}  256 SHA256:… (ED25519)
-               any   -           -           admin  ${ADMINS}  256 SHA256:… (ED25519) @cert-authority
`,
  }),
  alice(
    "list --json is one array",
    `virtssh trust list --json | python3 -c 'import json, sys; pins = json.load(sys.stdin); print(len(pins), list(pins[0])); print([pins[1][name] for name in ("name", "uuid", "port", "type", "bits", "marker", "firstSeen", "lastSeen", "by", "path")])'`,
    {
      stdout: `7 ['name', 'uuid', 'port', 'type', 'bits', 'fingerprint', 'key', 'marker', 'firstSeen', 'lastSeen', 'by', 'path']
['web', '${WEB}', 2222, 'RSA', 3072, None, '2026-11-01T01:02:03Z', '2026-11-02T03:04:05Z', 'user', '${HOSTS}/${WEB}']
`,
    },
  ),
  {
    name: "nothing is pinned by a user who has logged in to no guest, and nothing is made",
    user: "bob",
    run: "cd; virtssh trust list | grep -vc admin; virtssh trust list --json | wc -l; ls -A .local 2> /dev/null",
    exit: "failure",
    stdout: "1\n1\n",
  },
];

const FORGOTTEN: readonly Fact[] = [
  prints(
    "forget says what it has forgotten, and the file is gone",
    `virtssh trust forget qemu/web; ls ${HOSTS} | grep -c ${WEB}`,
    `forgot ${line("ed25519", "web")}, vsock port 22, uuid ${WEB}\nforgot ${line("rsa", "web")}, vsock port 2222, uuid ${WEB}\n0`,
  ),
  prints(
    "forget --port leaves the others byte for byte",
    `printf '# \\351\\n' >> ${HOSTS}/${WEB}; cp ${HOSTS}/${WEB} before; virtssh trust forget --port 22 qemu/web; tail -n 3 before | cmp - ${HOSTS}/${WEB} && echo kept`,
    `forgot ${line("ed25519", "web")}, vsock port 22, uuid ${WEB}\nkept`,
  ),
  alice(
    "forget --json prints what it has forgotten",
    `virtssh trust forget --json ${GONE} | python3 -c 'import json, sys; print([pin["name"] for pin in json.load(sys.stdin)])'; ls ${HOSTS} | grep -c ${GONE}`,
    { exit: 1, stdout: "['gone']\n0\n" },
  ),
  alice("a domain of which no key is pinned", "virtssh trust forget qemu/web > log; virtssh trust forget qemu/web", {
    exit: 1,
    stderr: failure('no host key is pinned for "qemu/web"', "see what is pinned with: virtssh trust list"),
  }),
  alice("a port of which no key is pinned", "virtssh trust show --port 23 qemu/web", {
    exit: 1,
    stderr: failure(
      'no host key is pinned for "qemu/web" on vsock port 23',
      "see what is pinned with: virtssh trust list",
    ),
  }),
  alice("a bare CID", "virtssh trust show vsock/7", {
    exit: 1,
    stderr: failure('no host key is pinned for "vsock/7"', "see what is pinned with: virtssh trust list"),
  }),
  alice("a domain that nobody knows", "virtssh trust forget qemu/nobody", {
    exit: 1,
    stderr: /^virtssh: error: cannot find domain "nobody" in qemu:\/\/\/system/,
  }),
  alice(
    "a name that two domains have borne, of which none is left",
    `sed -i 's/"twice"/"gone"/' ${HOSTS}/${GONE_TOO}; virtssh trust forget qemu/gone`,
    {
      exit: 1,
      stderr: failure(
        'cannot tell which domain "gone" is: libvirt has none of that name now, and 2 had it when their keys were pinned',
        `name the one that is meant by its UUID: qemu/${GONE} or qemu/${GONE_TOO}`,
      ),
    },
  ),
  alice("pins of the administrator's, which are not forgotten", "virtssh trust forget qemu/admins", {
    exit: 1,
    stderr: failure(
      `cannot forget "qemu/admins": its host keys are pinned by the administrator, in "/etc/virtssh/hosts/${ADMINS}"`,
      `have the administrator change that file: sudoedit /etc/virtssh/hosts/${ADMINS}`,
    ),
  }),
];

const partsOf = (path: string) => `see the owner and the mode of each part of the path with: namei -l ${path}`;
const refused = (act: string, path: string) =>
  failure(`cannot ${act} "${path}": permission denied (EACCES)`, partsOf(path));

const FAILED: readonly Fact[] = [
  alice(
    "pins that cannot be changed",
    `chmod 500 ${HOSTS}; virtssh trust forget --port 22 qemu/web; status=$?; grep -c '^\\*' ${HOSTS}/${WEB}; exit $status`,
    {
      exit: 1,
      stdout: "2\n",
      stderr: refused("write", `${HOSTS}/${WEB}`),
    },
  ),
  alice(
    "a file of pins that cannot be removed",
    `chmod 500 ${HOSTS}; virtssh trust forget qemu/web; status=$?; grep -c '^\\*' ${HOSTS}/${WEB}; exit $status`,
    {
      exit: 1,
      stdout: "2\n",
      stderr: refused("remove", `${HOSTS}/${WEB}`),
    },
  ),
  alice("a lock that cannot be opened", `install -m 0 /dev/null ${STATE}/lock; virtssh trust forget qemu/web`, {
    exit: 1,
    stderr: refused("lock", `${STATE}/lock`),
  }),
  alice(
    "a lock that somebody holds on to",
    `touch ${STATE}/lock; flock ${STATE}/lock virtssh trust forget qemu/web; status=$?; grep -c '^\\*' ${HOSTS}/${WEB}; exit $status`,
    {
      exit: 1,
      stdout: "2\n",
      stderr: failure(
        `cannot lock "${STATE}/lock": another process has held it for 5 s`,
        `see which one with: lslocks | grep -F ${STATE}/lock`,
      ),
    },
  ),
  alice(
    "a lock that somebody holds on to, and SIGALRM blocked",
    `touch ${STATE}/lock; flock ${STATE}/lock timeout 20 python3 -c 'import os, signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]); os.execvp("virtssh", ["virtssh", "trust", "forget", "qemu/web"])' 2>&1 | grep -c 'for 5 s'`,
    { stdout: "1\n" },
  ),
  {
    name: "a directory of pins of a group that its owner is not in",
    run: `as_user alice bash /etc/lab/prepare.sh; chgrp bob ${HOSTS}; as_user alice virtssh trust forget --port 22 qemu/web | wc -l; stat -c '%a %U %G' ${HOSTS}/${WEB}`,
    stdout: "1\n600 alice alice\n",
  },
  alice("a directory of pins that cannot be listed", `chmod 300 ${HOSTS}; virtssh trust list`, {
    exit: 1,
    stderr: refused("list", HOSTS),
  }),
  alice(
    "a file that cannot be read does not keep the others from being listed",
    `echo junk >> ${HOSTS}/${WEB}; virtssh trust list | cut -d' ' -f1; exit \${PIPESTATUS[0]}`,
    {
      exit: 1,
      stdout: "DOMAIN\ngone\ntwice\nmy\n-\n-\n",
      stderr: failure(
        `cannot read the host keys in "${HOSTS}/${WEB}": line 5 is no host key`,
        `look at that line, and correct or remove it: less ${HOSTS}/${WEB}`,
      ),
    },
  ),
  {
    name: "pins on a file system that is read-only",
    run: `as_user alice bash /etc/lab/prepare.sh; mount --bind ${STATE} ${STATE}; mount -o remount,bind,ro ${STATE}; as_user alice virtssh trust forget qemu/web; status=$?; umount ${STATE}; exit $status`,
    exit: 1,
    stderr: failure(
      `cannot lock "${STATE}/lock": the file system is read-only (EROFS)`,
      "see which file systems are read-only with: findmnt -O ro",
    ),
  },
  {
    name: "no room for a change of the pins",
    run: `mkdir /tmp/small; mount -t tmpfs -o nr_inodes=6 tmpfs /tmp/small; chmod 777 /tmp/small
as_user alice bash -c '. /etc/lab/prepare.sh; set +e; mkdir -m 700 /tmp/small/state; export XDG_STATE_HOME=/tmp/small/state; mkdir -p -m 700 $XDG_STATE_HOME/virtssh/hosts; touch $XDG_STATE_HOME/virtssh/lock; cp ${HOSTS}/${WEB} $XDG_STATE_HOME/virtssh/hosts/; virtssh trust forget --port 22 qemu/web; cmp ${HOSTS}/${WEB} $XDG_STATE_HOME/virtssh/hosts/${WEB} && echo kept; ls $XDG_STATE_HOME/virtssh/hosts | wc -l'; umount /tmp/small`,
    stdout: "kept\n1\n",
    stderr: failure(
      `cannot write "/tmp/small/state/virtssh/hosts/${WEB}": no space left (ENOSPC)`,
      "see which file system has no room left, or no inodes: df -h; df -i",
    ),
  },
  {
    name: "without libvirt, a domain is known by its UUID, and by no name",
    run: `as_user alice bash /etc/lab/prepare.sh; unshare --mount bash -c 'mount -t tmpfs tmpfs /run; for target in ${GONE} qemu/${GONE} qemu/gone; do as_user alice virtssh trust show $target; done' 2>&1 | cut -d' ' -f3,4 | grep -v '^ '`,
    stdout: "gone (ECDSA)\ngone (ECDSA)\ncannot find\nstart it\n",
  },
];

describe("virtssh trust", () => {
  testFacts([...DEFINED, ...SHOWN, ...FORGOTTEN, ...FAILED], (steps) =>
    runNative({ files: { "/usr/bin/virtssh": "build/test/virtssh" }, texts: TEXTS, steps }),
  );
});
