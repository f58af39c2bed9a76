// Guests that panic, go to sleep or do not end, each by what it does itself; and domains that change between the connect and the
// check that comes after it.
import { describe } from "vitest";
import { renderDomain } from "../lab/domains.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { GRANTS, GUEST_TEXTS, renderPluggable } from "./guests-with-cid.ts";

const FILES = { "/usr/bin/virtssh": "build/test/virtssh" };

/** Starts QEMU so that it does not end when libvirtd asks it to. */
const DEAF_QEMU = `#!/usr/bin/python3
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.execv("/usr/bin/qemu-system-x86_64", ["qemu-system-x86_64", *sys.argv[1:]])
`;

/** A whole operating system: what it writes to an I/O port, as the firmware loads it from a disk's first sector. */
interface Os {
  readonly name: string;
  readonly port: number;
  readonly value: number;
  /** Of the domain, in XML. */
  readonly settings: string;
  readonly emulator?: string;
}

/** The control register of the ACPI timer block, at PORT_ACPI_PM_BASE + 4 in SeaBIOS's dev-q35.h: SLP_EN, and SLP_TYP 0 or 1. */
const PM1_CONTROL = 0x604;
const POWER_OFF = 0x2000;
const SUSPEND = 0x2400;
/** PVPANIC_PANICKED, to QEMU's pvpanic device: docs/specs/pvpanic.rst. */
const PVPANIC = 0x505;
const PANICKED = 0x01;

const SYSTEMS: readonly Os[] = [
  {
    name: "asleep",
    port: PM1_CONTROL,
    value: SUSPEND,
    settings: "<pm><suspend-to-mem enabled='yes'/></pm>",
  },
  { name: "crashed", port: PVPANIC, value: PANICKED, settings: "<on_crash>preserve</on_crash>" },
  { name: "stuck", port: PM1_CONTROL, value: POWER_OFF, settings: "", emulator: "/usr/local/bin/deaf-qemu" },
];

const disk = (name: string) => `/var/lib/libvirt/images/${name}.img`;

function renderSystem({ name, settings, emulator = "/usr/bin/qemu-system-x86_64" }: Os): string {
  const devices = `<disk type='file'><source file='${disk(name)}'/><target dev='sda' bus='sata'/></disk><panic model='isa'/>`;
  return renderDomain({ name, vsock: "none", boots: "nothing" })
    .replace("<devices>", `${settings}<devices>`)
    .replace("/usr/bin/qemu-system-x86_64", emulator)
    .replace("</devices>", `${devices}</devices>`);
}

/** mov dx, port; mov ax, value; out dx, al or ax; then nothing for ever. */
function renderCode({ port, value }: Os): string {
  const word = (number: number) => [number & 0xff, number >> 8];
  const out = value > 0xff ? 0xef : 0xee;
  return [0xba, ...word(port), 0xb8, ...word(value), out, 0xf4, 0xeb, 0xfd]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** Defines and starts it, and waits until its domain is in `state`. */
const boot = (os: Os, state: string) => `chmod +x /usr/local/bin/deaf-qemu; mkdir -p /var/lib/libvirt/images
python3 -c 'open("${disk(os.name)}", "wb").write(bytes.fromhex("${renderCode(os)}").ljust(510, b"\\0") + b"\\x55\\xaa")'; truncate -s 1M ${disk(os.name)}
virsh -q define /etc/lab/${os.name}.xml && virsh -q start ${os.name}
until [ "$(virsh domstate ${os.name} | head -1)" = '${state}' ]; do sleep 0.1; done`;

const states: readonly (readonly [name: string, state: string, sentence: string])[] = [
  [
    "asleep",
    "pmsuspended",
    failure('domain "asleep" is suspended to memory', "wake it up with: virsh -c qemu:///system dompmwakeup asleep"),
  ],
  [
    "crashed",
    "crashed",
    failure(
      'domain "crashed" has crashed',
      "start it again with: virsh -c qemu:///system destroy crashed && virsh -c qemu:///system start crashed",
    ),
  ],
  [
    "stuck",
    "in shutdown",
    failure(
      'domain "stuck" is shutting down',
      "wait until it is shut off, or end it with: virsh -c qemu:///system destroy stuck",
    ),
  ],
];

const STATES: readonly Fact[] = states.map(([name, state, sentence]) => {
  const os = SYSTEMS.find((one) => one.name === name);
  return {
    name: `a guest whose domain is ${state}`,
    run: `${os === undefined ? "false" : boot(os, state)}; virtssh resolve qemu/${name}`,
    exit: 1,
    stderr: sentence,
  };
});

const ENV = "export VIRTSSH_TEST_VSOCK=/tmp/vsock; mkdir -p -m 777 /tmp/vsock; rm -f /tmp/vsock/*; cd /tmp";

/**
 * A guest that stops whoever has connected, runs a command, lets it go on, and speaks. It has a processor before everything else
 * there, so that the connect which wakes it is the last that virtssh does on that processor before it is stopped.
 */
const SLOW_MOMENT = `import os, signal, socket, struct, subprocess, sys, time
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind("/tmp/vsock/7-22")
    listener.listen()
    print("listening", flush=True)
    connection, _ = listener.accept()
    pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    os.kill(pid, signal.SIGSTOP)
    subprocess.run(sys.argv[1], shell=True)
    os.kill(pid, signal.SIGCONT)
    connection.sendall(b"SSH-2.0-OpenSSH_10.0\\r\\n")
    time.sleep(60)
`;

/** Has virtssh connect, and `change` done before it asks once more. */
const meanwhile = (change: string) => `${ENV}; taskset -cp $(taskset -cp $$ | grep -oE '[0-9]+$') $$ > /dev/null
exec 5< <(exec python3 /etc/lab/slow-moment.py '${change}'); guest=$!; read -r -u 5; trap 'kill $guest 2> /dev/null' EXIT
virtssh proxy --timeout 20 qemu/web < /dev/null`;

const changed = (what: string) =>
  failure(`cannot be sure of domain "web": ${what} while virtssh connected to cid 7`, "try again");

const DEVICE = (cid: number) => `<vsock model="virtio"><cid auto="no" address="${cid}"/></vsock>`;
const DETACH = "virsh -q detach-device --live web /etc/lab/device-7.xml";
const ANEW = "virsh -q destroy web 2> /dev/null; virsh -q start web";

const CHANGES: readonly Fact[] = [
  { name: "web runs", run: "chmod +x /usr/local/bin/*; virsh -q define /etc/lab/web.xml; virsh -q start web" },
  ...(
    [
      ["stops and starts again", "virsh -q destroy web; virsh -q start web", "it stopped and started again"],
      [
        "gets another CID",
        `${DETACH}; virsh -q attach-device --live web /etc/lab/device-8.xml`,
        "it was given another cid",
      ],
      ["loses its vsock device", DETACH, "it lost its vsock device"],
      ["stops", "virsh -q destroy web", "it stopped"],
      ["is removed", "virsh -q destroy web; virsh -q undefine web", "it was removed"],
    ] as const
  ).map(([name, change, what]) => ({
    name: `a domain that ${name} while virtssh connects`,
    run: `${ANEW}; ${meanwhile(change)}`,
    exit: 1,
    stderr: changed(what),
  })),
];

const TEXTS = {
  ...GUEST_TEXTS,
  "/usr/local/bin/deaf-qemu": DEAF_QEMU,
  ...Object.fromEntries(SYSTEMS.map((os) => [`/etc/lab/${os.name}.xml`, renderSystem(os)])),
  "/etc/lab/web.xml": renderPluggable({ name: "web", vsock: 7 }),
  "/etc/lab/slow-moment.py": SLOW_MOMENT,
  "/etc/lab/device-7.xml": DEVICE(7),
  "/etc/lab/device-8.xml": DEVICE(8),
};

describe("virtssh and guests that end in strange ways", () => {
  const facts = [...GRANTS, ...STATES, ...CHANGES].map((fact) => ({ ...fact, timeoutSeconds: 25 }));
  testFacts(facts, (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
