// The programs of the contests, and where they are in a lab.
import { INSTALLED } from "../lab/installed.ts";
import { type Command, ON_DISK, STOPWATCH } from "./measure.ts";

const HERE = "/usr/local/bin";

/** Path in a lab, path in this repository. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  ...INSTALLED,
  [STOPWATCH]: "build/bench/stopwatch",
  ...Object.fromEntries(
    ["virtssh", "unguarded", "marked", "floor", "receive-fd", "greet", "as-ssh", "flood", "stand-in-daemon"].map(
      (name) => [`${HERE}/${name}`, `build/bench/${name}`],
    ),
  ),
  [`${HERE}/preload-stand-in.so`]: "build/bench/preload-stand-in",
};

export const VIRTSSH = `${ON_DISK}/usr/bin/virtssh`;
/** Where the program as it ships is, too, beside which it is measured. */
export const MARKED = `${ON_DISK}${HERE}/marked`;
const FLOOR = `${ON_DISK}${HERE}/floor`;
const LIBVIRT = "/usr/lib/libvirt/libvirt-ssh-proxy";
const SYSTEMD = "/usr/lib/systemd/systemd-ssh-proxy";
const VIRSH = "/usr/bin/virsh -r -c qemu:///system";

export const NAMES = {
  floor: "C floor, resolve",
  resolve: "virtssh resolve",
  floorProxy: "C floor, proxy",
  proxy: "virtssh proxy",
  libvirt: "libvirt-ssh-proxy",
  virsh: "virsh domid",
  systemd: "systemd-ssh-proxy, of a CID",
  nothing: "true",
} as const;

/** What libvirt's helper and systemd's say where there is no AF_VSOCK. */
const NO_VSOCK = "Failed to allocate AF_VSOCK socket";

/** All look one domain up. The proxies end at the connect: a lab without AF_VSOCK refuses it. */
export function lookups(domain: string): Command[] {
  return [
    { name: NAMES.floor, words: `${FLOOR} resolve ${domain}` },
    { name: NAMES.resolve, words: `${VIRTSSH} resolve qemu:system/${domain}` },
    { name: NAMES.floorProxy, words: `${FLOOR} proxy ${domain}`, exit: 1, says: "cannot connect" },
    {
      name: NAMES.proxy,
      words: `${VIRTSSH} proxy qemu:system/${domain} 22`,
      exit: 1,
      says: "this kernel has no AF_VSOCK",
    },
    { name: NAMES.libvirt, words: `${LIBVIRT} qemu:system/${domain} 22`, exit: 1, says: NO_VSOCK },
  ];
}

/** The same, and what else a person might run; the last two look nothing up, and systemd's ends where the others do. */
export function allPeers(domain: string): Command[] {
  return [
    ...lookups(domain),
    { name: NAMES.virsh, words: `${VIRSH} domid ${domain}` },
    { name: NAMES.systemd, words: `${SYSTEMD} vsock/7 22`, exit: 1, says: NO_VSOCK },
    { name: NAMES.nothing, words: "/usr/bin/true" },
  ];
}

export const LISTS: readonly Command[] = [
  { name: "virtssh list --all --no-probe", words: `${VIRTSSH} list --all --no-probe` },
  { name: "virsh list --all", words: `${VIRSH} list --all` },
];

export const PROBING_LISTS: readonly Command[] = [
  { name: "virtssh list", words: `${HERE}/virtssh list` },
  { name: "virtssh list --no-probe", words: `${HERE}/virtssh list --no-probe` },
];

/** For contests on stand-ins for AF_VSOCK; programs that are not ours take theirs from a library. */
export const WITH_STAND_INS = `export VIRTSSH_TEST_VSOCK=/tmp/vsock LD_PRELOAD=${HERE}/preload-stand-in.so`;

const RECEIVE = `${HERE}/receive-fd`;

export const HANDED = {
  floor: "C floor",
  virtssh: "virtssh",
  unguarded: "virtssh without peek and guard",
  libvirt: "libvirt-ssh-proxy",
  systemd: "systemd-ssh-proxy, of a CID",
  nothing: "a static program that hands over nothing",
} as const;

/** Each hands a connection to a guest that answers at once to a small program, which stands for ssh. */
export const HAND_OVERS: readonly Command[] = [
  { name: HANDED.floor, words: `${RECEIVE} ${HERE}/floor proxy up` },
  { name: HANDED.virtssh, words: `${RECEIVE} ${HERE}/virtssh proxy --fdpass qemu:system/up` },
  { name: HANDED.unguarded, words: `${RECEIVE} ${HERE}/unguarded proxy --fdpass qemu:system/up` },
  { name: HANDED.libvirt, words: `${RECEIVE} ${LIBVIRT} qemu:system/up 22` },
  { name: HANDED.systemd, words: `${RECEIVE} ${SYSTEMD} vsock/7 22` },
  { name: HANDED.nothing, words: `${RECEIVE} ${RECEIVE}`, exit: 1 },
];

/** Where records and pins are, and what a guest shows. */
const RECORDS = "/run/user/0/virtssh";
const PIN = "/root/.local/state/virtssh/hosts/11111111-2222-4333-8444-555555555555";
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJyZ8sHafEp8++mWTrP3bDZfWINSnyQw0jPfNRJ1ACTV";

/** Started by a small program that leaves a record as `proxy` does. */
const asSsh = (pin: string, words: string) => `${HERE}/as-ssh ${RECORDS} ${pin} /usr/bin/virtssh ${words}`;
const ASKED = asSsh("-", `known-hosts -- HOSTNAME ${KEY} up.qemu`);

export const PINS = {
  known: "virtssh known-hosts, of a pinned key",
  resolve: "virtssh resolve, started in the same way",
} as const;

export const HOST_KEYS: readonly Command[] = [
  { name: PINS.known, words: ASKED },
  { name: "the same, of a first key, which is pinned", words: asSsh(PIN, `known-hosts -- HOSTNAME ${KEY} up.qemu`) },
  { name: "the same, of the types to prefer", words: asSsh("-", "known-hosts -- ORDER NONE NONE up.qemu") },
  { name: PINS.resolve, words: asSsh("-", "resolve qemu:system/up") },
];

/** Has a first key pinned. */
export const PIN_ONE = `mkdir -p -m 700 ${RECORDS}; ${ASKED} && grep -F '${KEY}' ${PIN}`;

/** Both ask a stand-in daemon for its first domain. */
export const ASK_STAND_IN = `${FLOOR} resolve vm1 && ${VIRTSSH} resolve qemu:system/vm1`;

/** One line: libvirt 11.3.0, systemd 257, socat 1.8.0.3. */
export const VERSIONS = `set -o pipefail
libvirtd --version | sed -n 's/.*libvirt) /libvirt /p' | tr '\\n' ','
systemctl --version | sed -n 's/^systemd \\([0-9]*\\).*/ systemd \\1/p' | tr '\\n' ','
socat -V | sed -n 's/^socat version \\([^ ]*\\).*/ socat \\1/p'`;
