// How our two lines come through the tools, or do not: a port of the guest on which nothing listens.
import type { Fact } from "./facts.ts";
import { CAPITAL, inFolder } from "./tool-lab.ts";
import { FORMS } from "./tool-rows.ts";

const TARGET = FORMS.suffix(CAPITAL);

/** Which words they are is told in ../fixtures/failures.txt. */
const OURS = `virtssh: error: cannot connect to domain "${CAPITAL}": .*\nvirtssh: hint: .*`;
/** The two lines that ssh adds where a program hands it no connection. */
const SSH_ADDS = "mm_receive_fd: .*\r\nproxy dialer did not pass back a connection\r\n";

/** Which of its ways to see that ssh has ended comes first, and whether the other follows, differs from run to run. */
const SCP_ADDS = "((scp: Connection closed|lost connection)\r?\n){1,2}";

/** All that a tool says: our lines, and then its own. */
const allOf = (...parts: readonly string[]) => new RegExp(`^${parts.join("")}$`);

interface Through {
  readonly command: string;
  readonly stderr: RegExp;
}

const SHOWN: readonly Through[] = [
  { command: `ssh ssh://root@${TARGET}:23 true`, stderr: allOf(OURS, "\n", SSH_ADDS) },
  {
    command: `ssh -J root@${TARGET}:23 root@127.0.0.1 true`,
    stderr: allOf(OURS, "\n", SSH_ADDS, "Connection closed by UNKNOWN port 65535\r\n"),
  },
  {
    command: `scp -P 23 root@${TARGET}:/srv/who got`,
    stderr: allOf(OURS, "\n", SSH_ADDS, SCP_ADDS),
  },
  {
    command: `scp -q -P 23 root@${TARGET}:/srv/who got`,
    stderr: allOf(OURS, "\n", SCP_ADDS),
  },
  {
    // Once or twice, with a full stop or without, in either order.
    command: `sftp -P 23 root@${TARGET}`,
    stderr: allOf(OURS, "\n", SSH_ADDS, "(\r?Connection closed[.\\s]*){1,2}"),
  },
  {
    command: `rsync -e 'ssh -p 23' root@${TARGET}:/srv/who got`,
    stderr: allOf(OURS, "\n", SSH_ADDS, "(rsync: .*\n)+", "rsync error: .*\n"),
  },
  {
    command: `git clone -q ssh://root@${TARGET}:23/srv/repo.git`,
    stderr: allOf(OURS, "\n", SSH_ADDS, "fatal: Could not read from remote repository.\n(.|\n)*"),
  },
  {
    command: `ssh-copy-id -p 23 root@${TARGET}`,
    stderr: new RegExp(`\n/usr/bin/ssh-copy-id: ERROR: ${OURS.replace("\n", "\nERROR: ")}\nERROR: mm_receive_fd: `),
  },
];

const PERSIST = `-o ControlMaster=auto -o ControlPath="$PWD/%C" -o ControlPersist=60`;

// ssh gives a ProxyCommand /dev/null for stderr where there is to be a master that stays, unless it debugs:
// ssh_proxy_fdpass_connect() in OpenSSH's sshconnect.c.
const HIDDEN: readonly Fact[] = [
  {
    name: "ControlPersist hides our lines",
    run: inFolder(`ssh ${PERSIST} -p 23 root@${TARGET} true`),
    exit: "failure",
    stderr: allOf(SSH_ADDS),
  },
  {
    name: "ControlPersist with -v shows our lines",
    run: inFolder(`ssh -v ${PERSIST} -p 23 root@${TARGET} 2>&1 | grep '^virtssh: '`),
    exit: "failure",
    stdout: allOf(OURS, "\n"),
  },
  {
    name: "ansible hides our lines, because it sets ControlPersist",
    run: inFolder(
      `ansible -i '${TARGET},' all -e ansible_port=23 -m raw -a hostname | grep -o 'virtssh: .*\\|mm_receive.*"'`,
    ),
    exit: "failure",
    stdout: /^mm_receive_fd: /,
  },
  {
    name: "ansible with ANSIBLE_SSH_VERBOSITY=1 shows our lines",
    run: inFolder(`ANSIBLE_SSH_VERBOSITY=1 ansible -i '${TARGET},' all -e ansible_port=23 -m raw -a hostname`),
    exit: "failure",
    stdout: new RegExp(OURS),
  },
  {
    name: "ansible without ControlPersist shows our lines",
    run: inFolder(
      `ANSIBLE_SSH_ARGS='-o ControlPersist=no' ansible -i '${TARGET},' all -e ansible_port=23 -m raw -a hostname`,
    ),
    exit: "failure",
    stdout: new RegExp(`Failed to connect to the host via ssh: ${OURS}\n`),
  },
  {
    // It does not see that the program has ended, and waits for as long as it would for a banner: 15 s unless told.
    name: "paramiko has our lines in the program's stderr, which nobody reads",
    run: inFolder(`python3 /etc/lab/login.py 'virtssh proxy ${TARGET} 23' 2`),
    exit: "failure",
    stderr: allOf("paramiko: .*\n", OURS, "\n\n"),
  },
];

export const TOOL_FAILURES: readonly Fact[] = [
  ...SHOWN.map(({ command, ...fact }) => ({
    name: `our lines come through: ${command}`,
    run: inFolder(command),
    exit: "failure" as const,
    ...fact,
  })),
  ...HIDDEN,
];
