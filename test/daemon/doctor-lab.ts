// What the tests of `virtssh doctor` share: a libvirtd that has been told, in its own notes of the running domain, that "web" has
// CID 7; the checked build, whose AF_VSOCK is led to AF_UNIX sockets; and the lines that it prints.
import { readFileSync } from "node:fs";
import { renderDomain } from "../lab/domains.ts";
import type { Fact } from "../lab/facts.ts";
import { TEXTS as SHARED, UUID } from "./domains.ts";

export const DROP_IN = "/etc/ssh/ssh_config.d/25-virtssh.conf";
export const FILES = { "/usr/bin/virtssh": "build/test/virtssh", [DROP_IN]: "ssh_config.d/25-virtssh.conf" };

export const TEXTS = {
  "/etc/lab/web.xml": renderDomain({ name: "web", uuid: UUID, vsock: "none", boots: "nothing" }),
  "/etc/lab/bare.xml": renderDomain({ name: "bare", vsock: "none", boots: "nothing" }),
  "/etc/lab/off.xml": renderDomain({ name: "off", vsock: 7, boots: "nothing" }),
  "/etc/lab/deny.rules": SHARED["/etc/lab/deny.rules"],
  "/etc/lab/colours.sh": "printf '\\033[31mSSH-2.0-x\\r\\n'\n",
  "/etc/lab/sshd_config": "HostKey /lab/id\nUsePAM no\nAuthorizedKeysFile /lab/id.pub\nStrictModes no\n",
};

export const KILL_DAEMON = "kill -KILL $(cat /run/libvirtd.pid); tail --pid=$(cat /run/libvirtd.pid) -f /dev/null";
const DEVICE = "<vsock model='virtio'><cid auto='no' address='7'/><alias name='vsock0'/></vsock>";

export const SETUP: readonly Fact[] = [
  {
    name: "web and bare run, off is defined",
    run: "for d in web bare off; do virsh -q define /etc/lab/$d.xml; done; virsh -q start web && virsh -q start bare",
  },
  {
    name: "libvirtd finds a CID in its own notes of web, as after an upgrade",
    run: `${KILL_DAEMON}; sed -i "s|</emulator>|&${DEVICE}|" /run/libvirt/qemu/web.xml; libvirtd -d; virsh -r dumpxml web | grep -c "<cid auto='no' address='7'/>"`,
    stdout: "1\n",
  },
  { name: "there is a /dev/vhost-vsock, which nobody opens", run: "touch /dev/vhost-vsock; mkdir -m 755 /tmp/vsock" },
];

export const ENV = "export VIRTSSH_TEST_VSOCK=/tmp/vsock";
/** A guest at CID 7 that runs `program` for each connection, up to the end of the step. */
export const guest = (program: string) =>
  `${ENV}; rm -f /tmp/vsock/*; socat UNIX-LISTEN:/tmp/vsock/7-22,fork EXEC:'${program}' 2> /dev/null & until [ -S /tmp/vsock/7-22 ]; do sleep 0.1; done`;
export const SSHD = guest("/usr/sbin/sshd -i -f /etc/lab/sshd_config");
export const NO_GUEST = `${ENV}; rm -f /tmp/vsock/*`;

/** A line of the drop-in, by its keyword: where it is, and what it says. */
function findDropInLine(keyword: string): { readonly line: number; readonly value: string } {
  const lines = readFileSync("ssh_config.d/25-virtssh.conf", "utf8").split("\n");
  const index = lines.findIndex((line) => line.trim().startsWith(`${keyword} `));
  return { line: index + 1, value: lines[index]?.trim().slice(keyword.length + 1) ?? "" };
}

const COMMAND = findDropInLine("ProxyCommand");
export const FDPASS_AT = `("${DROP_IN}" line ${findDropInLine("ProxyUseFdpass").line})`;
const ASKS = findDropInLine("KnownHostsCommand");
export const ASKS_AT = `("${DROP_IN}" line ${ASKS.line})`;
const VERSION = JSON.parse(readFileSync("package.json", "utf8")).version;

export const BY_VIRTSSH = `ok    host key check: virtssh pins keys by the domain's UUID ${ASKS_AT}`;
export const HOST_STEPS = (host: string, folded = host) => `ok    ssh: OpenSSH 10.0p2
ok    ssh configuration: "${host}" means host "${folded}", port 22
ok    drop-in: runs "${COMMAND.value}" ("${DROP_IN}" line ${COMMAND.line})
${BY_VIRTSSH}
ok    control path: no connection is shared
ok    shell: "/bin/bash" runs commands
ok    helper: /usr/bin/virtssh is "virtssh ${VERSION}"
ok    kernel: "/dev/vhost-vsock" is there
`;
export const SYSTEM = 'ok    qemu:///system: "/run/libvirt/libvirt-sock-ro" answers\n';
export const NEEDS = `
What a guest needs:
  - a vsock device in its domain:  virtssh enable qemu/NAME
  - an sshd that listens on vsock port 22. With systemd 256 or later it does so by itself: systemctl status sshd-vsock.socket
    Any other does with the package virtssh-guest, or with:  socat VSOCK-LISTEN:22,reuseaddr,fork EXEC:'/usr/sbin/sshd -i',nofork
`;

/** A step that does not hold, and its hint. */
export const failed = (step: string, error: string, hint: string) => `FAIL  ${step}: ${error}\n      hint: ${hint}\n`;
export const skipped = (...steps: readonly string[]) => steps.map((step) => `-     ${step}: not tried\n`).join("");

/** What a run says that does not hold. */
export const FAILURES = "| grep -A1 ^FAIL";
/** The user's own configuration, for this step. */
export const config = (text: string) => `mkdir -p ~/.ssh; printf '${text}' > ~/.ssh/config`;
