// The package for hosts, from its installation to its removal, with Debian 13's rpm: what it is on Fedora, but for the packages
// around it, which one stands for. The box has no virtssh of its own here.
import { describe } from "vitest";
import { type Domain, renderDomain, startDomain, waitForGuest } from "./domains.ts";
import { type Fact, testFacts } from "./facts.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";
import { buildRpmPackages, LIST, NEXT_LINE, PREPARE, RPM, RPM_TEXTS } from "./rpm-packages.ts";

const GUEST: Domain = { name: "guest1", vsock: "auto", hostname: "small" };
const XML = "/etc/lab/guest1.xml";
const WAIT_SECONDS = 240;

const DROP_IN = "/etc/ssh/ssh_config.d/25-virtssh.conf";

const login = (name: string, user = "root"): Fact => ({
  name,
  user,
  run: "ssh -o BatchMode=yes root@qemu/guest1 hostname",
  stdout: "small\n",
});

const BEFORE: readonly Fact[] = [
  { name: "guest1 is started", run: startDomain(XML, GUEST.name) },
  { name: "there is no virtssh", run: "type -P virtssh", exit: 1 },
  PREPARE,
  {
    name: "an ssh that is too old keeps it out",
    run: `${RPM} -e distribution && ${RPM} -i /tmp/old-ssh.rpm && ${RPM} -i /tmp/host.rpm 2>&1 | grep openssh; ${RPM} -e old-ssh`,
    stdout: "\topenssh-clients >= 8.5 is needed by virtssh-0.1.0-1.x86_64\n",
  },
];

const INSTALLED: readonly Fact[] = [
  { name: "it is installed", run: `${RPM} -i /tmp/distribution.rpm && ${RPM} -i /tmp/host.rpm` },
  { name: "rpm finds it as it was packed", run: "rpm -V virtssh" },
  { name: "guest1 is up", run: waitForGuest(GUEST.name, WAIT_SECONDS), timeoutSeconds: WAIT_SECONDS + 10 },
  login("ssh root@qemu/guest1 works with no other step"),
  login("for alice, too", "alice"),
  {
    name: "doctor finds nothing wrong",
    run: "virtssh doctor qemu/guest1 | grep -v '^ok '",
    exit: 1,
  },
  {
    name: "libvirt's own helper is there as it was",
    run: "ls /etc/ssh/ssh_config.d",
    stdout: /^25-virtssh\.conf\n30-libvirt-ssh-proxy\.conf\n/m,
  },
  {
    name: "bash completes guests",
    run: `. /etc/bash_completion.d/virtssh; COMP_WORDS=(virtssh resolve qemu/gu) COMP_CWORD=2 COMP_LINE='virtssh resolve qemu/gu' COMP_POINT=24
"$(complete -p virtssh | grep -o -- '-F [^ ]*' | cut -c 4-)" virtssh qemu/gu resolve; echo "\${COMPREPLY[@]}"`,
    stdout: /qemu\/guest1/,
  },
];

const CHANGED: readonly Fact[] = [
  {
    name: "a drop-in that nobody has changed is replaced by the next release's",
    run: `${RPM} -U /tmp/next-host.rpm && tail -n 1 ${DROP_IN} && ls ${DROP_IN}*`,
    stdout: `${NEXT_LINE}\n${DROP_IN}\n`,
  },
  login("ssh works after the upgrade"),
  { name: "the release before comes back", run: `${RPM} -U --oldpackage /tmp/host.rpm && rpm -V virtssh` },
  {
    name: "rpm says which file somebody has changed",
    run: `echo '# mine' >> ${DROP_IN}; rpm -V virtssh`,
    exit: 1,
    stdout: `S.5....T.  c ${DROP_IN}\n`,
  },
  {
    name: "a changed drop-in stays, with the next release's beside it",
    run: `${RPM} -U /tmp/next-host.rpm; tail -qn 1 ${DROP_IN} ${DROP_IN}.rpmnew; rpm -q virtssh`,
    stdout: `# mine\n${NEXT_LINE}\nvirtssh-0.1.0-2.x86_64\n`,
    stderr: `warning: ${DROP_IN} created as ${DROP_IN}.rpmnew\n`,
  },
  login("ssh works with it"),
];

const ERASED: readonly Fact[] = [
  {
    name: "erasing it saves the changed drop-in",
    run: `${RPM} -e virtssh`,
    stderr: `warning: ${DROP_IN} saved as ${DROP_IN}.rpmsave\n`,
  },
  {
    name: "nothing else is left of it but the users' pins",
    run: `${LIST} | diff /tmp/before - | grep '^[<>]' | grep -v ' /root/.local\\| /home/alice/.local'; ls /root/.local/* /home/alice/.local/*`,
    stdout: `> f 644 root ${DROP_IN}.rpmnew\n> f 644 root ${DROP_IN}.rpmsave\n/home/alice/.local/state:\nvirtssh\n\n/root/.local/state:\nvirtssh\n`,
  },
  {
    name: "ssh goes to libvirt's own helper then",
    run: "ssh -T -G qemu/guest1 | grep -i proxycommand",
    stdout: /libvirt-ssh-proxy/,
  },
  {
    name: "where nobody has changed anything, not even that is left",
    run: `rm ${DROP_IN}.rpm*; ${RPM} -i /tmp/host.rpm; ${RPM} -e virtssh; ${LIST} | diff /tmp/before - | grep '^[<>]' | grep -v '/.local'`,
    exit: 1,
  },
];

describe("the RPM for hosts", () => {
  testFacts([...BEFORE, ...INSTALLED, ...CHANGED, ...ERASED], (steps) => {
    const packages = buildRpmPackages("host");
    const files = {
      "/tmp/host.rpm": packages.host,
      "/tmp/next-host.rpm": packages.nextHost,
      "/tmp/distribution.rpm": packages.distribution,
      "/tmp/old-ssh.rpm": packages.oldSsh,
    };
    return runInBox({ steps, files, texts: { ...RPM_TEXTS, [XML]: renderDomain(GUEST) } }, toStderr);
  });
});
