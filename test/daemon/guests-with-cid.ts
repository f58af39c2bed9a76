// Running domains with a CID, for the native lab, where no kernel gives them one: libvirtd's request for it is granted by a
// filter, and QEMU is started without the device. All else is real.
import { type Domain, renderDomain } from "../lab/domains.ts";
import type { Fact } from "../lab/facts.ts";

/** ioctl(…, VHOST_VSOCK_SET_GUEST_CID, …) of linux/vhost.h returns 0, by seccomp, for a program and all that it starts. */
const GRANT = `import ctypes, os, struct, sys
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
IOCTL, SET_GUEST_CID, ALLOW, ERRNO_0 = 16, 0x4008AF60, 0x7FFF0000, 0x00050000
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
code = [(LOAD, 0, 0, 0), (EQUAL, 0, 3, IOCTL), (LOAD, 0, 0, 24), (EQUAL, 0, 1, SET_GUEST_CID), (RETURN, 0, 0, ERRNO_0), (RETURN, 0, 0, ALLOW)]
filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
if libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(filters))), 0, 0):
    raise OSError(ctypes.get_errno(), "seccomp")
os.execvp(sys.argv[1], sys.argv[1:])
`;

const QEMU = `#!/bin/bash
args=()
while (($# > 0)); do
  if [[ $1 == -device && $2 == *vhost-vsock* ]]; then shift; else args+=("$1"); fi
  shift
done
exec /usr/bin/qemu-system-x86_64 "\${args[@]}"
`;

const EMULATOR = "/usr/local/bin/qemu-without-vsock";

/** Starts QEMU with every request of it to vhost (0xAF of linux/vhost.h) granted, so that a device can be added while it runs. */
const VHOST_QEMU = `#!/usr/bin/python3
import ctypes, os, struct, sys
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
IOCTL, VHOST, ALLOW, ERRNO_0 = 16, 0xAF00, 0x7FFF0000, 0x00050000
LOAD, AND, EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
code = [(LOAD, 0, 0, 0), (EQUAL, 0, 4, IOCTL), (LOAD, 0, 0, 24), (AND, 0, 0, 0xFF00), (EQUAL, 0, 1, VHOST), (RETURN, 0, 0, ERRNO_0), (RETURN, 0, 0, ALLOW)]
filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
if libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(filters))), 0, 0):
    raise OSError(ctypes.get_errno(), "seccomp")
os.execv("${EMULATOR}", ["${EMULATOR}", *sys.argv[1:]])
`;

const VHOST_EMULATOR = "/usr/local/bin/qemu-with-vhost";

export const GUEST_TEXTS = { "/etc/lab/grant-cid.py": GRANT, [EMULATOR]: QEMU, [VHOST_EMULATOR]: VHOST_QEMU };

/** Has the system's libvirtd, and bob's, give out CIDs. */
export const GRANTS: readonly Fact[] = [
  {
    name: "libvirtd gives out CIDs",
    run: `chmod +x ${EMULATOR} ${VHOST_EMULATOR}; touch /dev/vhost-vsock; chmod 666 /dev/vhost-vsock
kill -KILL $(pidof libvirtd); while pidof -q libvirtd; do sleep 0.1; done
# It has no program any more a moment before the lock of its PID file is gone.
for n in {1..20}; do python3 /etc/lab/grant-cid.py libvirtd -d 2> /tmp/granted && exit; sleep 0.1; done; cat /tmp/granted >&2; exit 1`,
  },
  { name: "bob's libvirtd does, too", user: "bob", run: "python3 /etc/lab/grant-cid.py libvirtd -d" },
];

/** What `virsh define` takes, whoever runs it: without a console, which is a file of root's. */
export function renderGuest(domain: Omit<Domain, "boots">): string {
  return onEmulator(renderDomain({ ...domain, boots: "nothing" })).replace(/<serial .*<\/serial>/, "");
}

/** The same domain, started without its vsock device. */
export function onEmulator(xml: string): string {
  return xml.replace("/usr/bin/qemu-system-x86_64", EMULATOR);
}

/** One that a vsock device can be added to while it runs. */
export function renderPluggable(domain: Omit<Domain, "boots">): string {
  return renderGuest({ ...domain, hasFreeSlot: true }).replace(EMULATOR, VHOST_EMULATOR);
}
