// The rows' cells as facts, and what else is true of the tools.
import type { Fact } from "./facts.ts";
import { CAPITAL, inFolder, SMALL, SPACED } from "./tool-lab.ts";
import { type Cell, FORMS, type Form, ROWS, type Row } from "./tool-rows.ts";

function cellFact(row: Row, form: Form): Fact {
  const cell: Cell = row[form];
  const write = (cell.works ? cell.written : undefined) ?? FORMS[form];
  const target = write(CAPITAL);
  const run = inFolder(row.run(target));
  return cell.works
    ? { name: `${row.tool}: ${target} works`, run, stdout: row.stdout ?? "", stderr: row.stderr ?? "" }
    : { name: `${row.tool}: ${target} is no name: ${cell.because}`, run, exit: "failure", stderr: cell.stderr };
}

const CELLS: readonly Fact[] = ROWS.flatMap((row) => (Object.keys(FORMS) as Form[]).map((form) => cellFact(row, form)));

/** A name that ssh refuses as it is. */
const ESCAPED = encodeURIComponent(SPACED);

const copies = (copy: string, target: string) =>
  inFolder(`
    echo "$there" > 'a file'
    ${copy} 'a file' root@${target}:$there
    ${copy} root@${target}:$there back
    cmp 'a file' back
    ${copy} root@${target}:/srv/who got
    cat got`);

const NAMES: readonly Fact[] = [
  ...Object.values(FORMS).map((write) => ({
    name: `ssh reaches the domain "${SPACED}" as ${write(ESCAPED)}`,
    run: `ssh root@${write(ESCAPED)} 'hostname | tee /srv/who'`,
    stdout: "spaced\n",
  })),
  ...[FORMS.percent, FORMS.suffix].flatMap((write) =>
    ["scp", "rsync"].map((copy) => ({
      name: `${copy} reaches the domain "${SPACED}" as ${write(ESCAPED)}`,
      run: copies(copy, write(ESCAPED)),
      stdout: "spaced\n",
    })),
  ),
  {
    name: "an escape under -J has its % doubled, as every % there",
    run: `ssh -J root@${FORMS.suffix(CAPITAL).replace("-", "%%2d")} root@127.0.0.1 hostname`,
    stdout: "capital\n",
  },
  {
    name: "git decodes escapes in a URI, and with them a name that looks like one",
    run: inFolder("git clone ssh://root@qemu%db1/srv/repo.git"),
    exit: "failure",
    stderr: /^Cloning .*\nssh: Could not resolve hostname qemu\\3331: /,
  },
  {
    name: "git leaves such a name whole where its % is an escape",
    run: inFolder("git clone ssh://root@qemu%25db1/srv/repo.git"),
    exit: "failure",
    stderr: /^Cloning .*\nvirtssh: error: .*"db1"/,
  },
  {
    name: "a pattern of ansible's ends at a colon",
    run: inFolder(`ansible -i '${FORMS.colon(CAPITAL)},' ${FORMS.colon(CAPITAL)} -m raw -a hostname`),
    stderr: /^\[WARNING\]: Could not match supplied host pattern, ignoring: qemu\n/,
  },
];

const BYTES = 3_000_000;

const LARGE: readonly Fact[] = ["scp", "rsync"].map((copy) => ({
  name: `${copy} carries ${BYTES} bytes there and back`,
  run: inFolder(`
    head -c ${BYTES} /dev/urandom > large
    ${copy} large root@${FORMS.suffix(CAPITAL)}:$there
    ${copy} root@${FORMS.suffix(CAPITAL)}:$there back
    cmp large back`),
}));

const BETWEEN: readonly Fact[] = [
  {
    name: "scp copies from one guest to another",
    run: inFolder(`
      scp root@${FORMS.suffix(CAPITAL)}:/srv/who root@${FORMS.percent(SMALL)}:/srv/other
      ssh root@${FORMS.suffix(SMALL)} "hostname; cat /srv/other"`),
    stdout: "small\ncapital\n",
  },
];

/** Through masters in one folder: the right guest, and then the other one. */
const oneAfterTheOther = (write: (name: string) => string) =>
  inFolder(`
    ssh() { command ssh -o ControlPath="$PWD/%C" -o ControlMaster=auto -o ControlPersist=60 "$@"; }
    ssh root@${write(CAPITAL)} hostname
    ssh root@${write(SMALL)} hostname
    ssh -qO exit root@${write(CAPITAL)}`);

const MASTERS: readonly Fact[] = [
  ...[FORMS.colon, FORMS.percent].map((write) => ({
    name: `%C tells ${write(CAPITAL)} from ${write(SMALL)}`,
    run: oneAfterTheOther(write),
    stdout: "capital\nsmall\n",
  })),
  // ssh hashes %h, which it has lowered here, and once there is a master it asks nobody: ssh_config(5), "TOKENS".
  ...[FORMS.slash, FORMS.suffix].map((write) => ({
    name: `%C is the same for ${write(CAPITAL)} and ${write(SMALL)}: whichever has a master answers for both`,
    run: oneAfterTheOther(write),
    stdout: "capital\ncapital\n",
  })),
  {
    name: "ansible names its masters itself, and tells them apart",
    run: inFolder(
      `ansible --forks 1 -i '${FORMS.suffix(CAPITAL)},${FORMS.suffix(SMALL)},' all -u root -m raw -a hostname`,
    ),
    stdout:
      /^Guest-One\.qemu \| CHANGED \| rc=0 >>\ncapital\nShared .*\s+guest-one\.qemu \| CHANGED \| rc=0 >>\nsmall\n/,
  },
];

/** `alias` in ~/.ssh/config leads to qemu:system/Guest-One, which most of these do not take as it is. */
const ALIASES: readonly Fact[] = [
  { name: "an alias: ssh -J alias", run: "ssh -J alias root@127.0.0.1 hostname", stdout: "capital\n" },
  ...[
    "scp alias:/srv/who got",
    "scp scp://alias//srv/who got",
    "rsync alias:/srv/who got",
    "git clone -q alias:/srv/repo.git repo; cp repo/who got",
  ].map((command) => ({ name: `an alias: ${command}`, run: inFolder(`${command}; cat got`), stdout: "capital\n" })),
];

const INVENTORY: readonly Fact[] = [
  {
    name: "ansible reaches every guest of virtssh's inventory",
    run: inFolder(`
      printf '#!/bin/sh\\nexec virtssh inventory "$@"\\n' > guests; chmod +x guests
      ansible --forks 1 -i guests virtssh_running -u root -m raw -a hostname | grep -v '^Shared connection' | grep . | paste - - | sort`),
    stdout: `\
Guest-One.system.qemu | CHANGED | rc=0 >>\tcapital
guest-one.system.qemu | CHANGED | rc=0 >>\tsmall
my%20guest.system.qemu | CHANGED | rc=0 >>\tspaced
`,
  },
];

export const TOOL_FACTS: readonly Fact[] = [
  ...CELLS,
  ...NAMES,
  ...LARGE,
  ...BETWEEN,
  ...MASTERS,
  ...ALIASES,
  ...INVENTORY,
];
