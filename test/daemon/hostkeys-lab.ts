// What the tests of host keys share: guests behind the stand-in for AF_VSOCK, each with the host keys that a step gives it; the real
// ssh, with its defaults; and what is pinned, in words that are the same in every run.
import type { Fact } from "../lab/facts.ts";
import { GRANTS, GUEST_TEXTS, renderGuest } from "./guests-with-cid.ts";

export const FILES = {
  "/usr/bin/virtssh": "build/test/virtssh",
  "/etc/ssh/ssh_config.d/25-virtssh.conf": "ssh_config.d/25-virtssh.conf",
};

export const WEB = "11111111-2222-4333-8444-aabbccddeeff";
export const SPACED = "22222222-3333-4444-8555-aabbccddeeff";
export const MINE = "33333333-4444-4555-8666-aabbccddeeff";
/** Of another domain that is called "web". */
export const REBUILT = "44444444-5555-4666-8777-aabbccddeeff";

/** What every step begins with. */
const SHELL = `export VIRTSSH_TEST_VSOCK=/tmp/vsock
K=/tmp/keys
STATE=~/.local/state/virtssh
cd /tmp

# CID-PORT KEY... gives the guest there the host keys of those names, and lines of sshd_config.
guest() {
  local at=$1
  shift
  { cat /etc/lab/sshd_config; for key; do case $key in *\\ *) echo "$key" ;; *) echo "HostKey $K/$key" ;; esac; done; } > /tmp/guests/$at
}

# Nobody has ever logged in.
fresh() {
  rm -rf {/root,/home/*}/.local {/root,/home/*}/.ssh/known_hosts* {/root,/home/*}/.ssh/config /etc/virtssh /run/virtssh /run/user/*/virtssh
  guest 7-22 one
}

# Names in place of keys, and of what differs from run to run.
plain() {
  sed -f $K/names -e 's/\\r$//' -e 's/[0-9-]\\{10\\}T[0-9:]\\{8\\}Z/2000-01-01T00:00:00Z/g' -e 's/[0-9-]\\{10\\} [0-9:]\\{5\\} UTC/2000-01-01 00:00 UTC/'
}

# Runs a command; all that it says on stderr is said plainly.
plainly() {
  local said status
  said=$(mktemp)
  "$@" 2> $said
  status=$?
  plain < $said >&2
  rm $said
  return $status
}

login() { plainly ssh -o BatchMode=yes "$@"; }

# Leaves this shell's own record of a connection to a target.
record() { virtssh proxy "$@" < /dev/null > /dev/null; }

# NAME: what the key of that name is called on the wire, and its blob.
key() { cut -d' ' -f1,2 $K/$1.pub; }

# All that is pinned: each file, its keys, and what is said of them.
pins() { (cd \${1:-$STATE}/hosts && for file in *; do echo "$file"; sed 1d $file; done) | plain; }

# Everything that virtssh has made for a user.
made() { (cd /; find root/.local/state/virtssh home/*/.local/state/virtssh run/virtssh run/user/*/virtssh -printf '%m %u %y %p\\n' 2> /dev/null) | sort -k4; }
`;

/** With a script for sed that puts each key's name in the place of its blob and fingerprint. "one-by-ca-cert" is of "one", by "ca". */
const MAKE_KEYS = `mkdir -p -m 755 /tmp/keys /tmp/guests; mkdir -p -m 777 /tmp/vsock; cd /tmp/keys
for name in one two jump behind ca other-ca; do ssh-keygen -q -t ed25519 -N '' -f $name; done
ssh-keygen -q -t rsa -b 2048 -N '' -f rsa; ssh-keygen -q -t ecdsa -N '' -f ecdsa
certify() { # KEY CA
  cp $1.pub $1-by-$2.pub
  ssh-keygen -q -s $2 -I lab -h -n web.qemu $1-by-$2.pub
}
certify one ca; certify one other-ca; certify two ca
for name in one two jump behind ca other-ca rsa ecdsa one-by-ca-cert one-by-other-ca-cert two-by-ca-cert; do
  echo "s,$(cut -d' ' -f2 $name.pub),<$name>,g"
  [[ $name == *-cert ]] || echo "s,$(ssh-keygen -l -f $name.pub | cut -d' ' -f2),<SHA256 of $name>,g"
done > names
echo "[127.0.0.1]:2200 $(cut -d' ' -f1,2 jump.pub)" > /etc/ssh/ssh_known_hosts`;

/** Every connection to a CID and port is answered by an sshd with the configuration of that moment. */
const SERVE = ["7-22", "7-2222", "8-22", "9-22"]
  .map(
    (at) =>
      `setsid socat UNIX-LISTEN:/tmp/vsock/${at},mode=666,backlog=128,fork EXEC:'/usr/sbin/sshd -i -f /tmp/guests/${at}' 2> /dev/null &
until [ -S /tmp/vsock/${at} ]; do read -rt 0.05 <> <(:); done; guest ${at} one`,
  )
  .join("\n");

export const TEXTS = {
  ...GUEST_TEXTS,
  "/etc/lab/keys.sh": SHELL,
  "/etc/lab/sshd_config": `UsePAM no
AuthorizedKeysFile /lab/id.pub
StrictModes no
PidFile none
PerSourcePenalties no
`,
  "/etc/lab/web.xml": renderGuest({ name: "web", uuid: WEB, vsock: 7 }),
  "/etc/lab/rebuilt.xml": renderGuest({ name: "web", uuid: REBUILT, vsock: 7 }),
  "/etc/lab/spaced.xml": renderGuest({ name: "my vm", uuid: SPACED, vsock: 8 }),
  "/etc/lab/mine.xml": renderGuest({ name: "mine", uuid: MINE, vsock: 9 }),
};

/** With the shell functions above. */
export function inLab(facts: readonly Fact[]): readonly Fact[] {
  return facts.map((fact) => ({
    timeoutSeconds: 30,
    ...fact,
    run: `. /etc/lab/keys.sh\n${fact.run}`,
  }));
}

export const SETUP: readonly Fact[] = [
  ...GRANTS,
  { name: "there are keys of some types, and certificates", run: MAKE_KEYS },
  ...inLab([
    { name: "guests listen at CIDs 7, 8 and 9", run: SERVE },
    {
      name: "web and my vm run",
      run: "virsh -q define /etc/lab/web.xml; virsh -q start web; virsh -q define /etc/lab/spaced.xml; virsh -q start 'my vm'",
    },
    {
      name: "bob's mine runs in his session",
      user: "bob",
      run: "virsh -q -c qemu:///session define /etc/lab/mine.xml; virsh -q -c qemu:///session start mine",
    },
  ]),
];

const COMMENT = (name: string, port: number) =>
  `# domain "${name}", port ${port}, first seen 2000-01-01T00:00:00Z, last seen 2000-01-01T00:00:00Z\n`;

/** What `pins` prints of a file with one key. */
export function pinned(key: string, { name = "web", uuid = WEB, port = 22 } = {}): string {
  return `${uuid}\n${pin(key, { name, port })}`;
}

/** A key's two lines. */
export function pin(key: string, { name = "web", port = 22 } = {}): string {
  return `${COMMENT(name, port)}* ${key}\n`;
}

export const ONE = "ssh-ed25519 <one>";
export const TWO = "ssh-ed25519 <two>";
export const RSA = "ssh-rsa <rsa>";

/** What ssh says of a ProxyCommand that has failed. */
export const NO_CONNECTION =
  "mm_receive_fd: recvmsg: expected received 1 got 0\nproxy dialer did not pass back a connection\n";
