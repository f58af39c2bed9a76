// `virtssh setup` for one user, and what the real ssh then makes of that user's configuration. Nothing of ours is in /etc.
import { describe } from "vitest";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { FAILURES } from "./setup-failures.ts";
import { HOMES } from "./setup-homes.ts";
import { ADDED, alice, BLOCK, CONFIG, DONE, LINE, MADE, REMOVED, SSH, TAKEN, WROTE } from "./setup-steps.ts";

/** Prints how often virtssh is ssh's way to each host, and who logs in there. */
const ASK = (...hosts: readonly string[]) =>
  hosts
    .map(
      (host) =>
        `echo "$(ssh -GT ${host} | grep -c '^proxycommand .*virtssh') $(ssh -GT ${host} | sed -n 's/^user //p')"`,
    )
    .join("; ");

const FIRST_RUNS: readonly Fact[] = [
  alice("no ~/.ssh", "rm -r .ssh; umask 0; virtssh setup; stat -c '%a %n' .ssh .ssh/*; cat .ssh/config", {
    stdout: `made ${SSH}\n${WROTE}${MADE}700 .ssh\n600 .ssh/config\n600 .ssh/virtssh.conf\n# Made by virtssh setup\n${LINE}\n`,
  }),
  alice(
    "the block is that of the drop-in, and in force",
    `virtssh setup; ${ASK("qemu/web", "web.qemu", "www.example")}`,
    {
      stdout: `${WROTE}${MADE}1 alice\n1 alice\n0 alice\n`,
    },
  ),
  alice(
    "a second run changes nothing",
    "echo 'Host a' > .ssh/config; virtssh setup; stat -c '%i %y %z' .ssh/* > before; virtssh setup; stat -c '%i %y %z' .ssh/* | cmp - before",
    { stdout: WROTE + ADDED + DONE },
  ),
  alice(
    "the user's global lines are global still",
    `printf 'User carol\\nHost dev\\n  User dave\\n' > .ssh/config; virtssh setup; ${ASK("qemu/web", "www.example", "dev")}`,
    { stdout: `${WROTE}${ADDED}1 carol\n0 carol\n0 carol\n` },
  ),
  alice(
    "--print prints what the file would say, and changes nothing",
    "rm -r .ssh; virtssh setup --print > out; ls -A .ssh 2> /dev/null; mkdir .ssh; virtssh setup > log; cmp out .ssh/virtssh.conf; head -1 out",
    {
      stdout: '# Written by "virtssh setup"; "virtssh setup --remove" takes it away.\n',
    },
  ),
  alice(
    "another version's block is replaced",
    "virtssh setup > log; echo '# old' >> .ssh/virtssh.conf; virtssh setup; grep -c old .ssh/virtssh.conf",
    {
      stdout: `${WROTE}0\n`,
      exit: 1,
    },
  ),
];

/** What a version wrote that left host keys to ssh. */
const OLD_BLOCK =
  "virtssh setup > log; sed -i '/KnownHosts\\|# Host keys/d' .ssh/virtssh.conf; grep -c KnownHosts .ssh/virtssh.conf";

const UPDATES: readonly Fact[] = [
  alice(
    "the block of a version that left host keys to ssh is replaced",
    `${OLD_BLOCK}; virtssh setup; grep -c KnownHosts .ssh/virtssh.conf; virtssh setup --print | cmp - .ssh/virtssh.conf`,
    { stdout: `0\n${WROTE}3\n` },
  ),
  alice("--remove takes it away", `${OLD_BLOCK}; virtssh setup --remove; ls -A .ssh`, {
    stdout: `0\nremoved ${CONFIG}\n${REMOVED}`,
  }),
];

/** Configurations, as printf(1) writes them. */
const CONFIGS: readonly (readonly [name: string, format: string])[] = [
  ["is empty", ""],
  ["is one line break", "\\n"],
  ["has global lines and hosts", "User carol\\n\\nHost *.example dev\\n\\tUser dave\\n\\n\\n"],
  ["has no final newline", "Host dev\\n  User dave"],
  ["has CRLF", "User carol\\r\\nHost dev\\r\\n  User dave\\r\\n"],
  ["has CRLF and no end", "User carol\\r\\nHost dev\\r\\n  User dave"],
  ["has bytes that are no UTF-8", "# caf\\351 \\377\\376 \\200\\nHost dev\\n"],
  ["has UTF-8, no-break spaces and form feeds", "# \\303\\251 \\302\\240\\n\\240# x\\nHost d\\303\\251v \\f\\n"],
  [
    "has what ssh-config does not know",
    "Match !final host dev\\n  User q\\nHost 'a b'  c # d\\nSetEnv  A=1   B=2 # e\\n",
  ],
  [
    "has what ssh-config would write otherwise",
    'SendEnv A  B\\nIdentityFile a\\\\\\\\ b\\nUser  x # c\\n"Host" "x y"\\n',
  ],
  ["begins with blanks", "\\n\\n   \\t\\nUser carol\\n"],
];

const kept = ([name, format]: (typeof CONFIGS)[number]): Fact =>
  alice(
    `a file that ${name} gets one line, and has its bytes back after --remove`,
    [
      `printf '${format}' > .ssh/config; chmod 640 .ssh/config; cp -p .ssh/config before; virtssh setup > log`,
      `(printf 'Include %s' ${BLOCK}; head -1 before | grep -q $'\\r$' && printf '\\r'; echo; cat before) | cmp - .ssh/config`,
      "stat -c %a .ssh/config; virtssh setup | grep -c '^nothing to do'; virtssh setup --remove; cmp .ssh/config before",
      "stat -c '%a %n' .ssh/*",
    ].join("; "),
    { stdout: `640\n1\n${TAKEN}${REMOVED}640 .ssh/config\n` },
  );

const REMOVALS: readonly Fact[] = [
  ...CONFIGS.map(kept),
  alice("--remove of a file that setup made", "virtssh setup > log; virtssh setup --remove; ls -A .ssh", {
    stdout: `removed ${CONFIG}\n${REMOVED}`,
  }),
  alice(
    "--remove of a file that setup made and somebody went on with",
    "virtssh setup > log; echo User carol >> .ssh/config; virtssh setup --remove; cat .ssh/config",
    {
      stdout: `${TAKEN}${REMOVED}User carol\n`,
    },
  ),
  alice("--remove with nothing to remove", "virtssh setup --remove; rm -r .ssh; virtssh setup --remove; ls -A", {
    stdout: /^nothing to remove\nnothing to remove\n(\.bash\S*\n|\.profile\n)*$/,
  }),
  alice("--remove after --remove", "virtssh setup > log; virtssh setup --remove > log; virtssh setup --remove", {
    stdout: "nothing to remove\n",
  }),
  alice(
    "--remove leaves what somebody else wrote",
    `printf 'Include virtssh.conf\\nHost dev\\n${LINE}\\n' > .ssh/config; cp .ssh/config before; echo '# mine' > .ssh/virtssh.conf; virtssh setup --remove; cmp .ssh/config before; cat .ssh/virtssh.conf`,
    {
      stdout:
        `left line 1 of ${CONFIG}, which is not setup's: Include virtssh.conf\n` +
        `left line 3 of ${CONFIG}, which is not setup's: ${LINE}\n` +
        `left ${BLOCK}, which is not setup's\nnothing to remove\n# mine\n`,
    },
  ),
];

const LINKS: readonly Fact[] = (
  [
    ["an absolute link", `ln -s ${SSH}/../dots/config .ssh/config`],
    ["a relative link", "ln -s ../dots/config .ssh/config"],
    ["a link to a link", "ln -s ../dots/link .ssh/config; ln -s config dots/link"],
  ] as const
).map(([name, link]) =>
  alice(
    `${name} is followed, and stays`,
    `mkdir dots; printf 'User carol' > dots/config; ${link}; before=$(readlink .ssh/config); virtssh setup; cat dots/config; echo; ls dots | grep -c virtssh; virtssh setup --remove; [ "$(readlink .ssh/config)" = "$before" ] && cat dots/config`,
    { stdout: `${WROTE}${ADDED}${LINE}\nUser carol\n0\n${TAKEN}${REMOVED}User carol` },
  ),
);

const MORE_LINKS: readonly Fact[] = [
  alice(
    "~/.ssh itself may be a link",
    "mkdir -m 700 dots; rm -r .ssh; ln -s dots .ssh; virtssh setup; [ -L .ssh ] && ls dots",
    {
      stdout: `${WROTE}${MADE}config\nvirtssh.conf\n`,
    },
  ),
  alice(
    "our file may be a link",
    "virtssh setup > log; mkdir dots; mv .ssh/virtssh.conf dots; ln -s ../dots/virtssh.conf .ssh; echo '#' >> dots/virtssh.conf; virtssh setup; [ -L .ssh/virtssh.conf ] && virtssh setup --print | cmp - dots/virtssh.conf",
    {
      stdout: WROTE,
    },
  ),
];

/** What an Include further down is worth, as ssh has it. */
const INCLUDED: readonly Fact[] = [
  alice(
    "an Include below global lines is enough",
    `printf 'User carol\\nInclude virtssh.conf\\nHost dev\\n' > .ssh/config; virtssh setup; cat .ssh/config; ${ASK("qemu/web")}`,
    { stdout: `${WROTE}User carol\nInclude virtssh.conf\nHost dev\n1 carol\n` },
  ),
  alice(
    "an Include below a Host line counts for that host only, so there will be another",
    `virtssh setup > log; printf 'Host dev\\n${LINE}\\n' > .ssh/config; ${ASK("qemu/web")}; virtssh setup; head -1 .ssh/config; ${ASK("qemu/web")}`,
    { stdout: `0 alice\n${ADDED}${LINE}\n1 alice\n` },
  ),
  alice(
    "an alias below the Include is not seen by it, unless it includes the file itself",
    `printf 'Host dev\\n  HostName qemu/web\\nHost own\\n  HostName qemu/web\\n  Include virtssh.conf\\n' > .ssh/config; virtssh setup > log; ${ASK("dev", "own", "www.example")}`,
    { stdout: "0 alice\n1 alice\n0 alice\n" },
  ),
  alice(
    "an Include under `Match all` at the end sees the aliases above it",
    `printf 'Host dev\\n  HostName qemu/web\\nMatch all\\n  Include virtssh.conf\\n' > .ssh/config; virtssh setup > log; ${ASK("dev", "qemu/web", "www.example")}`,
    {
      stdout: "1 alice\n1 alice\n0 alice\n",
    },
  ),
  alice(
    "HOME does not lead setup or ssh astray",
    `mkdir dots; HOME=~/dots virtssh setup; ls dots; HOME=~/dots; ${ASK("qemu/web")}`,
    {
      stdout: `${WROTE}${MADE}1 alice\n`,
    },
  ),
];

/** What ssh adds when its helper has failed. */
const SSH_ADDS = "mm_receive_fd: recvmsg: expected received 1 got 0\r\nproxy dialer did not pass back a connection\r\n";
const NOPE =
  failure('cannot find domain "nope" in qemu:///system', "list the domains with: virtssh list --all") + SSH_ADDS;

const copyTo = (folder: string) =>
  `folder=/tmp/${folder}; mkdir -p "$folder"; cp /usr/bin/virtssh "$folder"; "$folder/virtssh" setup`;

/** A guest to which another ProxyCommand leads, so that virtssh has no say in the connection, and says so when it is asked. */
const LOCAL_SSHD = "ssh-keygen -q -t ed25519 -N '' -f .ssh/host; echo HostKey ~/.ssh/host > .ssh/sshd_config";
const NOT_BY_VIRTSSH =
  /^virtssh: warning: cannot vouch for the host key of "web.qemu": virtssh knows of no domain behind this connection\n/;

const FOLDERS = ["'plain'", "'a b'", `"it's"`, `'"'`, "'100%h'", "'$HOME `id`;&'", `'\${HOME}%%'`, "'ü'", "'a=b#c'"];

/** The program that ran `setup` is the one that ssh runs: it is, and says so. */
const PATHS: readonly Fact[] = FOLDERS.flatMap((folder) => [
  alice(
    `ssh starts virtssh from a folder named ${folder}`,
    `${copyTo(folder)}; ssh -o BatchMode=yes root@qemu:system/nope true`,
    { exit: 255, stdout: WROTE + MADE, stderr: NOPE },
  ),
  alice(
    `ssh asks virtssh about host keys, from a folder named ${folder}`,
    `${copyTo(folder)} > log; ${LOCAL_SSHD}; ssh -o BatchMode=yes -o ProxyUseFdpass=no -o "ProxyCommand=/usr/sbin/sshd -i -f $HOME/.ssh/sshd_config" web.qemu true`,
    { exit: 255, stderr: NOT_BY_VIRTSSH },
  ),
]);

/** Each starts many at once. The count is of Include lines, of lines in all, and of what is left of locks. */
const AT_ONCE: readonly Fact[] = [
  alice(
    "a dozen at once leave one line",
    "(echo Host a; seq -f '# %g' 5000) > .ssh/config; for i in {1..12}; do virtssh setup > log.$i & done; wait; grep -c ^Include .ssh/config; wc -l < .ssh/config; ls .ssh; cat log.* | sort | uniq -c | sort -n",
    {
      stdout: new RegExp(`^1\n5002\nconfig\nvirtssh.conf\n +1 ${ADDED} +1 ${WROTE}( +[0-9]+ ${DONE})?$`),
    },
  ),
  alice(
    "setup and --remove at once leave the file whole",
    "(echo Host a; seq -f '# %g' 5000) > .ssh/config; for i in {1..6}; do virtssh setup > log & virtssh setup --remove > log & done; wait; virtssh setup > log; head -1 .ssh/config; virtssh setup --remove > log; (echo Host a; seq -f '# %g' 5000) | cmp - .ssh/config; ls .ssh",
    { stdout: `${LINE}\nconfig\n` },
  ),
  alice(
    "one that is killed leaves the file as it was, or as it should be",
    "(echo Host a; seq -f '# %g' 50000) > before; (echo '" +
      LINE +
      "'; cat before) > after; for i in {1..40}; do rm -f .ssh/*; cp before .ssh/config; timeout -s KILL 0.0$((i * 2 + 10)) virtssh setup > log; cmp -s .ssh/config before || cmp -s .ssh/config after || echo torn; done 2> /dev/null",
  ),
];

const FACTS = [
  ...FIRST_RUNS,
  ...UPDATES,
  ...REMOVALS,
  ...LINKS,
  ...MORE_LINKS,
  ...INCLUDED,
  ...PATHS,
  ...FAILURES,
  ...HOMES,
  ...AT_ONCE,
];

describe.each(["build/virtssh", "build/test/virtssh"])("%s setup", (program) => {
  testFacts(FACTS, (steps) => runNative({ steps, files: { "/usr/bin/virtssh": program } }));
});
