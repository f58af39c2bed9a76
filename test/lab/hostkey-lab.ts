// What the facts about host keys find: a prelude for their scripts, a jump host, and guests whose keys can be changed.

export const UUID = "22222222-3333-4444-8555-aabbccddeeff";
export const REBUILT_UUID = "33333333-4444-4555-8666-bbccddeeff00";

/** A connection to the guest that no fact is about, with which its keys are changed. */
export const GUEST_SOCKET = "/run/lab-guest";

/** In the guest, beside port 22. What answers there has the second key, and a queue for many. */
export const OTHER_PORT = 2222;

/** On the host, and known to root. Who comes through it finds the host's own sshd under the guest's name, which /etc/hosts has. */
export const JUMP_HOST = "root@127.0.0.1:2022";
const STRANGER = "127.0.0.66";

const PRELUDE = `set -o pipefail
guest() { command ssh -S ${GUEST_SOCKET} guest "$@"; }
state=~/.local/state
fresh() { state=$(mktemp -d); export XDG_STATE_HOME=$state; }
key() { cut -d' ' -f2 "/lab/guest-host-key-$1.pub"; }
# All that is in the store, with words for keys and times.
show() {
  (cd "$state/virtssh/hosts" && tail -v -n +1 -- *) |
    sed -e "s|$(key 1)|KEY1|; s|$(key 2)|KEY2|" -e 's/20..-..-..T..:..:..Z/TIME/g' -e '/^# The host keys of one/d' -e '/^$/d'
}
# What is said of a change, without ssh's shouting.
tell() { "$@" 2>&1 | grep -aE '^(virtssh:|Host key)' | sed 's/since 20.* UTC/since TIME/'; }
`;

export const withPrelude = (script: string) => `. /etc/lab/keys.sh; ${script}`;

/** What `show` prints of a file: where each of its keys is from. */
export function shown(uuid: string, keys: readonly (readonly [name: string, port: number, key: string])[]): string {
  const lines = keys.map(
    ([name, port, key]) => `# domain "${name}", port ${port}, first seen TIME, last seen TIME\n* ssh-ed25519 ${key}\n`,
  );
  return `==> ${uuid} <==\n${lines.join("")}`;
}

export const TEXTS: Readonly<Record<string, string>> = {
  "/etc/lab/keys.sh": PRELUDE,
  "/root/.ssh/config": "Host dev\n  HostName qemu/web\n",
};

/** What is reached behind a guest, as 127.0.0.1, is known to root, too. */
export const PREPARE_HOST = `
  cp /lab/id.pub ~/.ssh/authorized_keys
  ssh-keygen -q -t ed25519 -N '' -f /run/jump-key && /usr/sbin/sshd -p 2022 -o ListenAddress=127.0.0.1 -h /run/jump-key || exit 1
  printf '%s\\n' "[127.0.0.1]:2022 $(< /run/jump-key.pub)" "127.0.0.1 $(< /lab/guest-host-key-2.pub)" > ~/.ssh/known_hosts
  echo '${STRANGER} web.qemu' >> /etc/hosts`;

const LISTEN = `
ip link set lo up
sshd() { exec socat "$1" EXEC:"/usr/sbin/sshd -i -h /etc/ssh/host_key_2",nofork > /dev/null 2>&1 < /dev/null; }
sshd VSOCK-LISTEN:${OTHER_PORT},reuseaddr,fork,backlog=128,max-children=16 &
sshd TCP-LISTEN:22,bind=127.0.0.1,reuseaddr,fork &
until netstat -ltn | grep -q ':22 '; do sleep 0.1; done`;

/** Has the guest serve another port, and its own loopback. */
export const PREPARE_GUEST = `ssh -fNM -S ${GUEST_SOCKET} root@qemu/web && guest '${LISTEN}'`;
