// Writes the domain XML of the labs' guests, and the shell text with which steps define them and wait for them.

export interface Domain {
  /** Anything that libvirt takes, also spaces, quotes and markup. */
  readonly name: string;
  readonly uuid?: string;
  /** A CID chosen by libvirt, a fixed one, or no vsock device at all. The native lab has no vsock: use "none" there. */
  readonly vsock: "auto" | "none" | number;
  /** XML that goes into `<metadata>` as it is. */
  readonly metadata?: string;
  /** What `hostname` prints in the guest; the domain's name unless told. Without white space. */
  readonly hostname?: string;
  /** MiB; enough for the guest unless told. */
  readonly memoryMib?: number;
  /** Which of two host keys the guest's sshd has. */
  readonly hostKey?: 1 | 2;
  /** Leaves a slot free, so that one more device can be attached while it runs. */
  readonly hasFreeSlot?: boolean;
  /** "guest" boots busybox and sshd; "nothing" is a firmware that finds no disk, enough for a domain that only has to run. */
  readonly boots?: "guest" | "nothing";
  /** A guest with qemu-guest-agent and the channel to it, and with a shell on its second serial line, which `runInGuest` talks to. */
  readonly hasAgent?: boolean;
}

/** The root has to be there before the ports, and the firmware's devices take the first of them. */
const FREE_SLOT = `<controller type='pci' model='pcie-root'/>${"<controller type='pci' model='pcie-root-port'/>".repeat(3)}`;

const GUEST_MIB = 192;
const AGENT_GUEST_MIB = 256;
const IDLE_MIB = 16;

/** Arguments that save the kernel work which costs seconds under emulation. */
const KERNEL_ARGUMENTS =
  "console=ttyS0 panic=-1 quiet mitigations=off nokaslr tsc=reliable no_timer_check random.trust_cpu=on cryptomgr.notests";

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;").replaceAll("'", "&apos;");
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Where the guest's serial console goes, in the lab. Named by bytes, so that any domain name makes a file name. */
function consolePath(name: string): string {
  return `/lab/run/console-${Buffer.from(name).toString("base64url")}.log`;
}

function renderVsock(vsock: Domain["vsock"]): string {
  if (vsock === "none") return "";
  const cid = vsock === "auto" ? "<cid auto='yes'/>" : `<cid auto='no' address='${vsock}'/>`;
  return `<vsock model='virtio'>${cid}</vsock>`;
}

function renderBoot({ name, hostname = name, hostKey = 1, boots = "guest", hasAgent = false }: Domain): string {
  if (boots === "nothing") return "";
  const cmdline = `${KERNEL_ARGUMENTS} guest=${hostname} hostkey=${hostKey}`;
  const initrd = hasAgent ? "/boot/agent.cpio" : "/boot/guest.cpio";
  return `<kernel>/boot/vmlinux-guest</kernel><initrd>${initrd}</initrd><cmdline>${escapeXml(cmdline)}</cmdline>`;
}

/** The same name is in guest-shell.py. Outside /lab/run, which has no sockets in the box. */
function shellPath(name: string): string {
  return `/tmp/shell-${Buffer.from(name).toString("base64url")}`;
}

function renderAgent(name: string): string {
  return `<serial type='unix'><source mode='bind' path='${shellPath(name)}'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>`;
}

function chooseMemory({ memoryMib, boots = "guest", hasAgent = false }: Domain): number {
  if (memoryMib !== undefined) return memoryMib;
  if (boots === "nothing") return IDLE_MIB;
  return hasAgent ? AGENT_GUEST_MIB : GUEST_MIB;
}

/** Returns what `virsh define` takes. Emulated (type qemu), so that it runs in both labs. */
export function renderDomain(domain: Domain): string {
  const { name, uuid, vsock, metadata, hasFreeSlot = false, hasAgent = false } = domain;
  return `<domain type='qemu'>
  <name>${escapeXml(name)}</name>
  ${uuid === undefined ? "" : `<uuid>${uuid}</uuid>`}
  ${metadata === undefined ? "" : `<metadata>${metadata}</metadata>`}
  <memory unit='MiB'>${chooseMemory(domain)}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>${renderBoot(domain)}</os>
  <cpu mode='custom'><model>qemu64</model></cpu>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <serial type='file'><source path='${consolePath(name)}'/></serial>
    ${renderVsock(vsock)}
    ${hasFreeSlot ? FREE_SLOT : ""}
    ${hasAgent ? renderAgent(name) : ""}
    <memballoon model='none'/>
    <controller type='usb' model='none'/>
  </devices>
</domain>
`;
}

/** A step's text that defines the domain of the XML file at `path` in the lab and starts it. */
export function startDomain(path: string, name: string): string {
  return `virsh -q define ${shellQuote(path)} && virsh -q start ${shellQuote(name)}`;
}

/**
 * A step's text that returns once the guest's sshd listens on VSOCK, which its console says; or says another thing. Fails, showing
 * the console's end, after `seconds`. Uses no program, because starting one takes the guest's processor time.
 */
export function waitForGuest(name: string, seconds: number, said = "guest up"): string {
  const file = consolePath(name);
  return `exec 9<> <(:)
until [[ -e ${file} && $(< ${file}) == *"${said}"* ]]; do
  read -rt 0.05 -u 9
  ((SECONDS < ${seconds})) || { echo "guest is not up after ${seconds} s; its console ends with:"; tail -c 1000 ${file}; exit 1; } >&2
done`;
}

/** What a lab needs for runInGuest(): Lab.files. */
export const GUEST_SHELL = { "/usr/local/bin/guest-shell.py": "test/lab/guest-shell.py" };

/** A step's text that runs a command in a guest with an agent, without its agent's help; fails as the command does. */
export function runInGuest(name: string, command: string): string {
  return `python3 /usr/local/bin/guest-shell.py ${shellQuote(name)} ${shellQuote(command)}`;
}
