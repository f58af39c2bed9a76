// Where a user's home directory is: of users who are not alice.
import { type Fact, failure } from "../lab/facts.ts";
import { MADE, partsOf, SSH, WROTE } from "./setup-steps.ts";

/** Of a user who is in no /etc/passwd. */
const stranger = (environment: string) =>
  `setpriv --reuid 4711 --regid 4711 --clear-groups env -u HOME ${environment} virtssh setup`;

const WITHOUT_A_ROW: readonly Fact[] = [
  {
    name: "HOME stands in for a row in /etc/passwd",
    run: `install -d -o 4711 -g 4711 /tmp/stranger; ${stranger("HOME=/tmp/stranger/")}; stat -c '%u:%g %a' /tmp/stranger/.ssh/config`,
    stdout: `made ${SSH}\n${WROTE}${MADE}4711:4711 600\n`.replaceAll("/home/alice", "/tmp/stranger"),
  },
  ...["", "HOME=relative"].map((environment) => ({
    name: `no home directory at all: ${environment === "" ? "no HOME" : environment}`,
    run: stranger(environment),
    exit: 1,
    stderr: failure(
      "cannot find your home directory: uid 4711 is not in /etc/passwd, and HOME names none",
      "set HOME to the directory that has your .ssh in it",
    ),
  })),
  {
    name: "a home directory that is missing",
    run: stranger("HOME=/tmp/missing"),
    exit: 1,
    stderr: failure(
      'cannot make "/tmp/missing/.ssh": no such file or directory (ENOENT)',
      partsOf("/tmp/missing/.ssh"),
    ),
  },
  {
    name: "a home directory that is not ours",
    run: stranger("HOME=/usr/share"),
    exit: 1,
    stderr: failure('cannot make "/usr/share/.ssh": permission denied (EACCES)', partsOf("/usr/share/.ssh")),
  },
];

/** A home directory whose path would have to be quoted in an Include line. */
const ODD_HOME: Fact = {
  name: "a home directory with a space in its name",
  run: [
    "echo 'odd:x:4712:4712::/tmp/o dd:/bin/sh' >> /etc/passwd; install -d -o 4712 -g 4712 '/tmp/o dd'; cd '/tmp/o dd'",
    "odd() { setpriv --reuid 4712 --regid 4712 --clear-groups env HOME='/tmp/o dd' \"$@\"; }",
    "odd virtssh setup; odd virtssh setup; odd ssh -GT qemu/web | grep -c '^proxycommand .*virtssh'; odd virtssh setup --remove; ls .ssh",
  ].join("; "),
  stdout: [
    "made /tmp/o dd/.ssh",
    "wrote /tmp/o dd/.ssh/virtssh.conf",
    "wrote /tmp/o dd/.ssh/config: Include ~/.ssh/virtssh.conf",
    "nothing to do: /tmp/o dd/.ssh/config includes /tmp/o dd/.ssh/virtssh.conf",
    "1",
    "removed /tmp/o dd/.ssh/config",
    "removed /tmp/o dd/.ssh/virtssh.conf",
    "",
  ].join("\n"),
};

export const HOMES: readonly Fact[] = [...WITHOUT_A_ROW, ODD_HOME];
