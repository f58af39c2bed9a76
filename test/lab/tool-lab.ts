// What the tools find on the host and in the guests: three domains, files, a repository, and programs that listen.
import type { Fact } from "./facts.ts";
import { FORMS } from "./tool-rows.ts";

/** The domain that the cells are about. ssh lowers its capitals in most forms, and there is another domain of the lowered name. */
export const CAPITAL = "Guest-One";
export const SMALL = "guest-one";
export const SPACED = "my guest";

/** A connection to the right guest that no cell makes, with which cells look at what their tool did. */
const GUEST_SOCKET = "/run/lab-guest";

const PRELUDE = `set -eo pipefail
export LC_ALL=C.UTF-8 GIT_AUTHOR_NAME=lab GIT_AUTHOR_EMAIL=lab GIT_COMMITTER_NAME=lab GIT_COMMITTER_EMAIL=lab
cd "$(mktemp -d)"
there=/srv/\${PWD##*/}
guest() { command ssh -S ${GUEST_SOCKET} guest "$@"; }
`;

const LOGIN = `"""login.py COMMAND SECONDS prints a guest's hostname; COMMAND connects to it, and SECONDS is the wait for its banner."""
import logging
import sys
import paramiko

logging.getLogger("paramiko").addHandler(logging.NullHandler())
proxy = paramiko.ProxyCommand(sys.argv[1])
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
try:
    client.connect("guest", username="root", sock=proxy, banner_timeout=float(sys.argv[2]))
    print(client.exec_command("hostname")[1].read().decode(), end="")
except paramiko.SSHException as error:
    sys.exit(f"paramiko: {error}\\n{proxy.process.stderr.read().decode()}")
finally:
    client.close()
`;

const COMMAND = `"""command.py HOST prints the ProxyCommand for HOST, as paramiko reads it out of the drop-in."""
import sys
import paramiko

config = paramiko.SSHConfig.from_path("/etc/ssh/ssh_config.d/25-virtssh.conf")
print(config.lookup(sys.argv[1])["proxycommand"])
`;

/** The guest's sshd is set to one exchange that is cheap under emulation; paramiko knows another name of it, and other MACs. */
const FOR_PARAMIKO =
  "sed -i -e '/^KexAlgorithms/s/$/,curve25519-sha256@libssh.org/' -e '/^MACs/s/$/,hmac-sha2-256/' /etc/ssh/sshd_config";

const PREPARE_GUEST = `${FOR_PARAMIKO}
hostname > /srv/who
git init -q --bare -b main /srv/repo.git
ip link set lo up
listen() { socat "TCP-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork" "$2" > /dev/null 2>&1 & }
listen 22 'EXEC:"/usr/sbin/sshd -i -h /etc/ssh/host_key_2",nofork'
listen 80 EXEC:hostname
`;

export const TEXTS: Readonly<Record<string, string>> = {
  "/etc/lab/tool-prelude.sh": PRELUDE,
  "/etc/lab/prepare-guest.sh": PREPARE_GUEST,
  "/etc/lab/login.py": LOGIN,
  "/etc/lab/command.py": COMMAND,
  // ssh would wait for an answer where it asks; nothing else differs from its defaults.
  "/etc/ssh/ssh_config.d/90-lab.conf": "BatchMode yes\n",
  "/root/.ssh/config": `Host alias
  HostName ${FORMS.colon(CAPITAL)}
  User root
`,
};

/** A step's text that runs `script` under the prelude. */
export const inFolder = (script: string) => `. /etc/lab/tool-prelude.sh; ${script}`;

export const PREPARED: readonly Fact[] = [
  {
    name: "the guest has files, a repository, and listens on its loopback",
    run: inFolder(`
      command ssh -fNM -S ${GUEST_SOCKET} root@qemu:system/${CAPITAL}
      guest "$(< /etc/lab/prepare-guest.sh)"
      git init -q -b main; guest hostname > who; git add who; git commit -qm first
      GIT_SSH_COMMAND="ssh -S ${GUEST_SOCKET}" git push -q guest:/srv/repo.git main
      cat who`),
    stdout: "capital\n",
  },
  {
    name: "the sshd behind the guest as a jump host is one that the user knows",
    run: 'echo "127.0.0.1 $(< /lab/guest-host-key-2.pub)" > /root/.ssh/known_hosts',
  },
  {
    name: "the host listens on its loopback",
    run: "socat TCP-LISTEN:8003,bind=127.0.0.1,reuseaddr,fork SYSTEM:'echo host' > /dev/null 2>&1 &",
  },
];
