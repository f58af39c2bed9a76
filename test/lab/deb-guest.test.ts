// The package virtssh-guest in a guest, under both systemds: what it does to the socket, to sessions that are open, and to whatever
// listens already. The guest is the box itself, over VSOCK's loopback.
import { describe } from "vitest";
import { findPackage } from "../packages/built.ts";
import { type Fact, testFacts } from "./facts.ts";
import { AUTHORIZE, ensureStandIns, LATE_LISTENERS, LISTENERS, TEXTS } from "./guest-lab.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

const DEB = "/etc/lab/virtssh-guest.deb";
const QUIET = "> /tmp/dpkg.log 2>&1 < /dev/null";
const INSTALL = `dpkg -i ${DEB} ${QUIET}`;
const UPGRADE = `dpkg -i /etc/lab/virtssh-guest-2.deb ${QUIET}`;
const REMOVE = `dpkg -r virtssh-guest ${QUIET}`;
const PURGE = `dpkg -P virtssh-guest ${QUIET}`;

const ACTIVE = "systemctl is-active sshd-vsock.socket";
/** Debian 12 knows /usr/lib by its other name. */
const WHOSE = "systemctl show --property=FragmentPath --value sshd-vsock.socket | sed 's,^/lib/,/usr/lib/,'";
const OURS = "/usr/lib/systemd/system/sshd-vsock.socket";
const GENERATED = "/run/systemd/generator/sshd-vsock.socket";

/** Whatever systemd would look at that is ours: units, links to them, presets. */
const UNITS = `find /etc/systemd /usr/lib/systemd /run/systemd/system \\( -name '*vsock*' -o -lname '*vsock*' -o -name '*virtssh*' \\)`;

/** And what Debian's helper remembers of them. */
const TRACES = `${UNITS}; find /var/lib/systemd/deb-systemd-helper-* -name '*vsock*'; systemctl list-unit-files | grep vsock`;

/** A session that is open while a step does something else, and must be there afterwards. */
const OPEN = `mkfifo /tmp/in /tmp/out; ssh root@guest 'echo open; read -r line; echo "$line"' < /tmp/in > /tmp/out & exec 7> /tmp/in 8< /tmp/out; read -r <&8`;
const SAY = "echo still here >&7; exec 7>&-; cat <&8; rm /tmp/in /tmp/out";

const newer = `cd "$(mktemp -d)" && dpkg-deb --raw-extract ${DEB} deb && sed -i 's/^Version: .*/Version: 2-1/' deb/DEBIAN/control &&
sed -i 's/^MaxConnections=.*/MaxConnections=65/' deb${OURS} && dpkg-deb -Zgzip -z1 --build deb /etc/lab/virtssh-guest-2.deb > /dev/null`;

const PREPARED: readonly Fact[] = [
  AUTHORIZE,
  { name: "there is a newer package", run: newer },
  { name: "nothing is there of the package", run: TRACES, exit: 1 },
];

/** Where nothing else listens. */
const ALONE: readonly Fact[] = [
  {
    name: "its installation starts the socket, and not the forwarder",
    run: `${INSTALL}; ${ACTIVE}; ${WHOSE}; ${LISTENERS}; systemctl is-enabled sshd-vsock.socket sshd-vsock-keygen.service virtssh-vsock-forward.service; systemctl is-active virtssh-vsock-forward.service`,
    exit: 3,
    stdout: `active\n${OURS}\n:22 \nenabled\nenabled\ndisabled\ninactive\n`,
  },
  { name: "ssh reaches it", run: "ssh root@guest 'echo reached'", stdout: "reached\n" },
  {
    name: "an upgrade ends no session and takes the new limit",
    run: `${OPEN}; ${UPGRADE}; ${SAY}; ${ACTIVE}; systemctl show -p MaxConnections --value sshd-vsock.socket`,
    stdout: "still here\nactive\n65\n",
  },
  {
    name: "a socket that somebody has stopped and disabled stays so at an upgrade",
    run: `systemctl -q disable --now sshd-vsock.socket; ${INSTALL}; ${ACTIVE}; systemctl is-enabled sshd-vsock.socket`,
    exit: 1,
    stdout: "inactive\ndisabled\n",
  },
  {
    name: "and when the package was away",
    run: `${REMOVE}; ${INSTALL}; ${ACTIVE}; systemctl is-enabled sshd-vsock.socket`,
    exit: 1,
    stdout: "inactive\ndisabled\n",
  },
  {
    name: "after a purge that is forgotten",
    run: `${PURGE}; ${INSTALL}; ${ACTIVE}; systemctl is-enabled sshd-vsock.socket`,
    stdout: "active\nenabled\n",
  },
  {
    name: "a socket that somebody has masked stays so, and the installation says nothing",
    run: `systemctl -q mask --now sshd-vsock.socket; dpkg -i ${DEB} > /dev/null; ${ACTIVE}; systemctl -q unmask sshd-vsock.socket; systemctl start sshd-vsock.socket`,
    stdout: "inactive\n",
  },
  {
    name: "a socket unit of the administrator's own is not stopped by removal",
    run: `cp ${OURS} /etc/systemd/system/; ${REMOVE}; ${ACTIVE}; systemctl stop sshd-vsock.socket; rm /etc/systemd/system/sshd-vsock.socket; systemctl daemon-reload; ${INSTALL}; ${ACTIVE}`,
    stdout: "active\nactive\n",
  },
  {
    name: "removal over a session leaves the session, and nothing that listens",
    run: `ssh root@guest '${REMOVE}; ${ACTIVE}; echo still here'; ${LISTENERS}`,
    exit: 1,
    stdout: "inactive\nstill here\n",
  },
  { name: "systemd finds nothing of it", run: `${UNITS}; systemctl list-unit-files | grep vsock`, exit: 1 },
  {
    name: "the forwarder, once it was chosen, is not stopped by an upgrade",
    run: `${INSTALL}; systemctl -q disable sshd-vsock.socket; systemctl -q enable --now virtssh-vsock-forward.service; systemctl start ssh; ${UPGRADE}; systemctl is-active virtssh-vsock-forward.service sshd-vsock.socket; ssh root@guest 'echo forwarded'`,
    stdout: "active\ninactive\nforwarded\n",
  },
  {
    name: "not even where the socket was left enabled",
    run: `systemctl -q enable sshd-vsock.socket; ${INSTALL}; systemctl is-active virtssh-vsock-forward.service sshd-vsock.socket`,
    stdout: "active\ninactive\n",
  },
  {
    name: "removal over a session that it carries leaves that, too",
    run: `ssh root@guest '${REMOVE}; systemctl is-active virtssh-vsock-forward.service; echo still here'; ${LATE_LISTENERS}`,
    exit: 1,
    stdout: "inactive\nstill here\n",
  },
  {
    // What ends after its unit's file has gone may count as failed: systemd no longer knows that its status does not matter.
    name: "after a purge nothing is left of it",
    run: `${PURGE}; systemctl reset-failed 'sshd-vsock@*'; ${TRACES}; systemctl --failed --no-legend`,
  },
];

/** A device that the box has not: see guest-stand-ins.c. The generator then makes its socket at the next reload. */
const GIVE_DEVICE = `mkdir -p /run/systemd/system-generators
printf '#!/bin/sh\\nLD_PRELOAD=/lab/stand-ins.so exec /usr/lib/systemd/system-generators/systemd-ssh-generator "$@"\\n' > /run/systemd/system-generators/systemd-ssh-generator
chmod +x /run/systemd/system-generators/systemd-ssh-generator`;

/** Where systemd-ssh-generator's socket listens already, or might. */
const BESIDE_GENERATOR: readonly Fact[] = [
  {
    name: "the generator's socket listens",
    run: `${GIVE_DEVICE}; systemctl daemon-reload; systemctl start sshd-vsock.socket; ${WHOSE}; ${ACTIVE}`,
    stdout: `${GENERATED}\nactive\n`,
  },
  {
    name: "our installation leaves it and its sessions alone",
    run: `since=$(systemctl show -p ActiveEnterTimestampMonotonic --value sshd-vsock.socket); ${OPEN}; dpkg -i ${DEB} > /dev/null 2> /tmp/said < /dev/null; ${SAY}; ${WHOSE}; ${ACTIVE}; ${LISTENERS}; [ "$since" = "$(systemctl show -p ActiveEnterTimestampMonotonic --value sshd-vsock.socket)" ] && echo untouched; grep -v 'Created symlink' /tmp/said`,
    exit: 1,
    stdout: `still here\n${GENERATED}\nactive\n:22 \nuntouched\n`,
  },
  {
    name: "ours is enabled all the same, for a boot at which the generator gives up",
    run: "readlink /etc/systemd/system/sockets.target.wants/sshd-vsock.socket",
    stdout: `${OURS}\n`,
  },
  {
    name: "and so do an upgrade",
    run: `${OPEN}; ${UPGRADE}; ${SAY}; ${WHOSE}; ${ACTIVE}`,
    stdout: `still here\n${GENERATED}\nactive\n`,
  },
  {
    name: "and removal and purge",
    run: `ssh root@guest '${REMOVE}; ${PURGE}; echo still here'; ${WHOSE}; ${ACTIVE}; ${UNITS}; ssh root@guest 'echo reached'`,
    stdout: `still here\n${GENERATED}\nactive\nreached\n`,
  },
  {
    name: "where it had given up, and would not now, our installation starts its socket",
    run: `systemctl stop sshd-vsock.socket; rm -r /run/systemd/system-generators; systemctl daemon-reload; ${GIVE_DEVICE}; ${INSTALL}; ${WHOSE}; ${ACTIVE}; ${PURGE}; ${ACTIVE}`,
    stdout: `${GENERATED}\nactive\nactive\n`,
  },
  {
    name: "where it had given up, and ours listens, removal leaves the socket to it",
    run: `rm -r /run/systemd/system-generators; systemctl stop sshd-vsock.socket; systemctl daemon-reload; ${INSTALL}; ${WHOSE}; ${GIVE_DEVICE}; ${REMOVE}; ${WHOSE}; ${ACTIVE}; ssh root@guest 'echo reached'; ${PURGE}`,
    stdout: `${OURS}\n${GENERATED}\nactive\nreached\n`,
  },
];

const files = async () => ({
  [DEB]: findPackage(/^virtssh-guest_.*_all\.deb$/),
  "/usr/bin/virtssh": "build/virtssh",
  "/lab/stand-ins.so": await ensureStandIns(),
});

describe.each([
  ["Debian 13, systemd 257", false, [...PREPARED, ...ALONE, ...BESIDE_GENERATOR]],
  ["Debian 12, systemd 252", true, [...PREPARED, ...ALONE]],
] as const)("the Debian package virtssh-guest in %s", (_, isOld, facts) => {
  testFacts(facts, async (steps) => runInBox({ steps, files: await files(), texts: TEXTS }, toStderr, { isOld }));
});
