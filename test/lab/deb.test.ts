// The package virtssh on a hypervisor with Debian 13: installed, upgraded, removed, purged; and what ssh makes of it each time.
import { describe } from "vitest";
import { findPackage } from "../packages/built.ts";
import { renderDomain, startDomain, waitForGuest } from "./domains.ts";
import { type Fact, testFacts } from "./facts.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

const UUID = "5f2d0fb2-6a0a-4b7e-9c39-0d7c1f0a9b11";
const GUEST = "guest1";
const XML = "/etc/lab/guest1.xml";
const WAIT_SECONDS = 240;

const DROP_IN = "/etc/ssh/ssh_config.d/25-virtssh.conf";
const login = (...options: readonly string[]) =>
  ["ssh -o BatchMode=yes", ...options, `root@qemu/${GUEST} hostname`].join(" ");
const LOGIN = login();
/** libvirt's helper knows nothing of keys. */
const UNCHECKED = ["-o StrictHostKeyChecking=no", "-o UserKnownHostsFile=/dev/null", "-o LogLevel=ERROR"];
const QUIET = "> /tmp/dpkg.log 2>&1 < /dev/null";

/** What is on the machine, apart from what changes by itself; and what is in its configuration. */
const SURVEY = `survey() { {
  local keeps_changing=(/dev /etc/lab /lab /proc /run /sys /tmp /var/cache /var/lib/dpkg /var/lib/libvirt /var/log /var/tmp)
  find / -xdev $(printf -- '-path %s -prune -o ' "\${keeps_changing[@]}") -printf '%y %m %u %p\\n'
  find /etc -type f ! -path '/etc/lab/*' -exec sha256sum {} +
  ls -d /run/virtssh 2> /dev/null
} | sort; }`;

/** /etc/lab/virtssh-N.deb is a newer one, whose drop-in has changed. */
const makeNewer = (number: number) => `cd "$(mktemp -d)" && dpkg-deb --raw-extract /etc/lab/virtssh.deb deb &&
sed -i 's/^Version: .*/Version: ${number}-1/' deb/DEBIAN/control && echo '# of version ${number}' >> deb${DROP_IN} &&
dpkg-deb -Zgzip -z1 --build deb /etc/lab/virtssh-${number}.deb > /dev/null`;

const SETUP: readonly Fact[] = [
  { name: `${GUEST} is started`, run: startDomain(XML, GUEST) },
  { name: `${GUEST} is up`, run: waitForGuest(GUEST, WAIT_SECONDS), timeoutSeconds: WAIT_SECONDS + 10 },
  { name: "the root takes all of a package, its documents too", run: "rm /etc/dpkg/dpkg.cfg.d/99mmdebstrap" },
  {
    name: "the machine is surveyed",
    run: `${SURVEY}; survey > /tmp/before; grep -c . /tmp/before`,
    stdout: /^\d{4,}\n$/,
  },
  { name: "there are newer packages", run: [2, 3, 4].map(makeNewer).join("\n") },
];

const INSTALLED: readonly Fact[] = [
  { name: "dpkg -i asks nothing", run: `dpkg -i /etc/lab/virtssh.deb ${QUIET}` },
  { name: `ssh root@qemu/${GUEST} works, with no other step`, run: LOGIN, stdout: "small\n" },
  { name: "for an ordinary user, too", user: "alice", run: LOGIN, stdout: "small\n" },
  {
    name: "virtssh doctor finds nothing wrong, and the package's drop-in",
    run: `virtssh doctor qemu/${GUEST} | grep -v ^ok; virtssh doctor qemu/${GUEST} | grep -c '^ok    drop-in: runs "/usr/bin/virtssh proxy .*("${DROP_IN}" line'`,
    stdout: "1\n",
  },
  {
    name: "it has a page in the manual",
    run: "man 1 virtssh 2>&1 | head -n 1",
    stdout: /^VIRTSSH\(1\) .* VIRTSSH\(1\)\n$/,
  },
];

const inShell = (
  shell: string,
  lines: string,
) => `export HOME=$(mktemp -d) LC_ALL=C.UTF-8 TERM=dumb PS1='> ' ZDOTDIR=/etc/lab/zsh
python3 /etc/lab/press-tab.py ${shell} <<'END'\n${lines}END`;

const COMPLETION: readonly Fact[] = [
  {
    name: "bash, just logged in to, completes guests after ssh",
    run: inShell("bash -l -i", "ssh root@qemu/gue\nssh gue\nvirtssh reso\n"),
    stdout: `ssh root@qemu/${GUEST} \nssh ${GUEST}.qemu \nvirtssh resolve \n`,
  },
  { name: "zsh completes virtssh", run: inShell("zsh -i", "virtssh reso\n"), stdout: "virtssh resolve\n" },
  {
    name: "fish completes guests after ssh",
    run: `export HOME=$(mktemp -d) LC_ALL=C.UTF-8; fish -c 'complete -C "ssh gue"' | cut -f1`,
    stdout: `${GUEST}.qemu\n`,
  },
];

/** Both are asked for nothing but the guest's name: what they would do is what ssh says that it would run. */
const proxyOf = `ssh -T -G qemu/${GUEST} | sed -n 's/^proxycommand \\([^ ]*\\).*/\\1/p'`;

const BESIDE_LIBVIRTS: readonly Fact[] = [
  {
    name: "libvirt's own drop-in is there, too, and ours comes first",
    run: `dpkg -S /etc/ssh/ssh_config.d/*virt*; ${proxyOf}`,
    stdout: `virtssh: ${DROP_IN}\nlibvirt-ssh-proxy: /etc/ssh/ssh_config.d/30-libvirt-ssh-proxy.conf\n/usr/bin/virtssh\n`,
  },
];

const UPGRADES: readonly Fact[] = [
  {
    name: "an upgrade replaces a drop-in that nobody has changed",
    run: `dpkg -i /etc/lab/virtssh-2.deb ${QUIET}; tail -n 1 ${DROP_IN}; ls /etc/ssh/ssh_config.d | grep virtssh; ${LOGIN}`,
    stdout: "# of version 2\n25-virtssh.conf\nsmall\n",
  },
  {
    name: "where it was changed dpkg wants to ask; without a terminal it stops, and ssh works on with what is there",
    run: `echo '# mine' >> ${DROP_IN}; dpkg -i /etc/lab/virtssh-3.deb ${QUIET}; status=$?; tail -n 2 ${DROP_IN}; ${LOGIN}; exit $status`,
    exit: 1,
    stdout: "# of version 2\n# mine\nsmall\n",
  },
  {
    name: "--force-confold keeps the change, and has the new one beside it",
    run: `dpkg --force-confold --configure virtssh ${QUIET}; tail -n 2 ${DROP_IN}; tail -n 1 ${DROP_IN}.dpkg-dist; ${LOGIN}; virtssh doctor qemu/${GUEST} | grep -v ^ok`,
    exit: 1,
    stdout: "# of version 2\n# mine\n# of version 3\nsmall\n",
  },
  {
    name: "--force-confnew takes the new one, and has the change beside it",
    run: `dpkg --force-confnew -i /etc/lab/virtssh-4.deb ${QUIET}; tail -n 1 ${DROP_IN}; tail -n 1 ${DROP_IN}.dpkg-old; ${LOGIN}`,
    stdout: "# of version 4\n# mine\nsmall\n",
  },
  {
    name: "pins are where they were",
    run: 'virtssh trust list --json | grep -o \'"name":"[^"]*"\'',
    stdout: `"name":"${GUEST}"\n`,
  },
];

/** Lines of `diff`, as the survey has them. */
const pinsOf = (user: string, home: string) => [
  ...["", "/state", "/state/virtssh", "/state/virtssh/hosts"].map((path) => `> d 700 ${user} ${home}/.local${path}\n`),
  ...[`hosts/${UUID}`, "lock"].map((path) => `> f 600 ${user} ${home}/.local/state/virtssh/${path}\n`),
];

const REMOVALS: readonly Fact[] = [
  {
    name: "the administrator changes the drop-in, and pins a key",
    run: `echo '# mine, again' >> ${DROP_IN}; mkdir -p /etc/virtssh/hosts; cp ~/.local/state/virtssh/hosts/${UUID} /etc/virtssh/hosts/; ${LOGIN}`,
    stdout: "small\n",
  },
  {
    name: "removal takes the program, and the drop-in out of ssh's way: libvirt's own works on",
    run: `dpkg -r virtssh ${QUIET}; ls -d /usr/bin/virtssh /run/virtssh 2> /dev/null; ${proxyOf}; ${login(...UNCHECKED)}`,
    stdout: "/usr/lib/libvirt/libvirt-ssh-proxy\nsmall\n",
  },
  {
    name: "but what the administrator wrote is kept",
    run: `tail -n 1 ${DROP_IN}.removed; ls /etc/virtssh/hosts`,
    stdout: `# mine, again\n${UUID}\n`,
  },
  {
    name: "and counts again when the package is back",
    run: `dpkg -i /etc/lab/virtssh-4.deb ${QUIET}; tail -n 1 ${DROP_IN}; ls ${DROP_IN}*; ${LOGIN}`,
    stdout: `# mine, again\n${DROP_IN}\n${DROP_IN}.dpkg-old\nsmall\n`,
  },
  {
    name: "a drop-in that somebody writes meanwhile is not written over",
    run: `dpkg -r virtssh ${QUIET}; echo '# from elsewhere' > ${DROP_IN}; dpkg --force-confold -i /etc/lab/virtssh-4.deb ${QUIET}; cat ${DROP_IN}; tail -n 1 ${DROP_IN}.removed`,
    stdout: "# from elsewhere\n# mine, again\n",
  },
  {
    name: "purge leaves nothing but the users' own pins",
    run: `dpkg -P virtssh ${QUIET}; ${SURVEY}; survey | diff /tmp/before - | grep '^[<>]'`,
    stdout: [...pinsOf("alice", "/home/alice"), ...pinsOf("root", "/root")].sort().join(""),
  },
  {
    name: "which count again after another installation",
    run: `dpkg -i /etc/lab/virtssh.deb ${QUIET}; virtssh trust list --json | grep -c '"name":"${GUEST}"'; ${LOGIN}`,
    stdout: "1\nsmall\n",
  },
];

const FILES = {
  "/etc/lab/virtssh.deb": () => findPackage(/^virtssh_.*\.deb$/),
  "/etc/lab/press-tab.py": () => "test/daemon/press-tab.py",
};

const TEXTS = {
  [XML]: renderDomain({ name: GUEST, uuid: UUID, vsock: "auto", hostname: "small" }),
  "/etc/lab/zsh/.zshrc": "bindkey -e; PS1='> '; autoload -Uz compinit; compinit -u\n",
};

describe("the Debian package virtssh", () => {
  const facts = [...SETUP, ...INSTALLED, ...COMPLETION, ...BESIDE_LIBVIRTS, ...UPGRADES, ...REMOVALS];
  testFacts(facts, (steps) => {
    const files = Object.fromEntries(Object.entries(FILES).map(([path, find]) => [path, find()]));
    return runInBox({ steps, files, texts: TEXTS }, toStderr);
  });
});
