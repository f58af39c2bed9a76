// The package virtssh-guest as an RPM, in the box as a guest, over VSOCK's loopback. It is changed and erased in a session that it
// carries; its scripts must neither end that, nor stop the socket of systemd-ssh-generator, which has the same name.
import { describe } from "vitest";
import { type Fact, testFacts } from "./facts.ts";
import { AUTHORIZE, ensureStandIns, LISTENERS, TEXTS } from "./guest-lab.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";
import { buildRpmPackages, LIST, NEXT_LINE, PREPARE, RPM, RPM_TEXTS } from "./rpm-packages.ts";

const GENERATED = "/run/systemd/generator/sshd-vsock.socket";
const OURS = "/usr/lib/systemd/system/sshd-vsock.socket";
const UNITS = "sshd-vsock.socket sshd-vsock-keygen.service virtssh-vsock-forward.service";

/** Whose socket it is, and whether it listens. */
const SHOW = "systemctl show --value -p ActiveState -p FragmentPath sshd-vsock.socket | sort";

/** Since when it listens: another time if it was stopped. */
const SINCE = "systemctl show -p ActiveEnterTimestampMonotonic sshd-vsock.socket";
const IS_UNTOUCHED = `${SINCE} | diff /tmp/since -`;

const inSession = (command: string) => `ssh root@guest '${command}; echo still here'`;

const leavesNothing = (name: string): Fact => ({
  name,
  run: `${LIST} | diff /tmp/before -; systemctl --failed --no-legend`,
});

/** The generator gives up in the box, which has no vsock device: ours is the only one. */
const ALONE: readonly Fact[] = [
  AUTHORIZE,
  PREPARE,
  { name: "there is no socket", run: SHOW, stdout: "\ninactive\n" },
  { name: "it is installed", run: `${RPM} -i /tmp/guest.rpm` },
  { name: "rpm finds it as it was packed", run: "rpm -V virtssh-guest" },
  {
    name: "its socket is enabled, and its forwarder is not",
    run: `systemctl is-enabled ${UNITS}`,
    stdout: "enabled\nenabled\ndisabled\n",
  },
  { name: "its socket listens", run: SHOW, stdout: `${OURS}\nactive\n` },
  { name: "ssh reaches it", run: inSession("true"), stdout: "still here\n" },
  {
    name: "it is upgraded within a session, which goes on",
    run: `${SINCE} > /tmp/since; ${inSession(`${RPM} -U /tmp/next-guest.rpm; tail -n 1 ${OURS}; rpm -q virtssh-guest`)}`,
    stdout: `${NEXT_LINE}\nvirtssh-guest-0.1.0-2.noarch\nstill here\n`,
  },
  { name: "the socket was not stopped for that", run: IS_UNTOUCHED },
  {
    name: "a socket that somebody has stopped and disabled stays so at an upgrade",
    run: `systemctl -q disable --now sshd-vsock.socket; ${RPM} -U --oldpackage /tmp/guest.rpm; systemctl is-enabled sshd-vsock.socket; systemctl is-active sshd-vsock.socket`,
    exit: 3,
    stdout: "disabled\ninactive\n",
  },
  {
    name: "it is erased within a session, which goes on",
    run: `systemctl -q enable --now sshd-vsock.socket; ${inSession(`${RPM} -e virtssh-guest; systemctl is-active sshd-vsock.socket`)}`,
    stdout: "inactive\nstill here\n",
  },
  { name: "nobody listens then", run: LISTENERS, exit: 1 },
  leavesNothing("nothing is left of it"),
  {
    name: "the forwarder, once it was chosen, is not stopped by an upgrade",
    run: `${RPM} -i /tmp/guest.rpm; systemctl -q disable sshd-vsock.socket; systemctl -q enable --now virtssh-vsock-forward.service; systemctl start ssh; until ${LISTENERS} > /dev/null; do read -rt 0.1 < <(sleep 1); done
${inSession(`${RPM} -U /tmp/next-guest.rpm`)}; systemctl is-active virtssh-vsock-forward.service sshd-vsock.socket`,
    stdout: "still here\nactive\ninactive\n",
  },
  {
    name: "it is erased within a session that the forwarder carries",
    run: `${inSession(`${RPM} -e virtssh-guest; systemctl is-active virtssh-vsock-forward.service`)}; systemctl stop ssh`,
    stdout: "inactive\nstill here\n",
  },
  leavesNothing("nothing is left of it after that"),
];

/** With a device that the box has not (guest-stand-ins.c) the generator makes its socket when systemd is reloaded. */
const GIVE_DEVICE = `mkdir -p /run/systemd/system-generators
printf '#!/bin/sh\\nLD_PRELOAD=/lab/stand-ins.so exec /usr/lib/systemd/system-generators/systemd-ssh-generator "$@"\\n' > /run/systemd/system-generators/systemd-ssh-generator
chmod +x /run/systemd/system-generators/systemd-ssh-generator`;

const BESIDE_GENERATOR: readonly Fact[] = [
  {
    name: "the generator's socket listens",
    run: `${GIVE_DEVICE}; systemctl daemon-reload; systemctl start sshd-vsock.socket; ${SINCE} > /tmp/since; ${SHOW}`,
    stdout: `${GENERATED}\nactive\n`,
  },
  {
    name: "ours is installed beside it, within a session",
    run: inSession(`${RPM} -i /tmp/guest.rpm`),
    stdout: "still here\n",
  },
  { name: "the generator's listens on", run: `${SHOW}; ${IS_UNTOUCHED}`, stdout: `${GENERATED}\nactive\n` },
  {
    name: "ours is enabled, for a boot at which the generator gives up",
    run: "readlink /etc/systemd/system/sockets.target.wants/sshd-vsock.socket",
    stdout: `${OURS}\n`,
  },
  {
    name: "ours is upgraded and erased within a session",
    run: inSession(`${RPM} -U /tmp/next-guest.rpm; ${RPM} -e virtssh-guest`),
    stdout: "still here\n",
  },
  { name: "the generator's listens on after that", run: `${SHOW}; ${IS_UNTOUCHED}`, stdout: `${GENERATED}\nactive\n` },
  leavesNothing("nothing is left of ours"),
  {
    name: "where it had given up, and ours listens, the socket is left to it",
    run: `rm -r /run/systemd/system-generators; systemctl stop sshd-vsock.socket; systemctl daemon-reload; ${RPM} -i /tmp/guest.rpm; ${SHOW}
${GIVE_DEVICE}; ${RPM} -e virtssh-guest; ${SHOW}; ${inSession("true")}`,
    stdout: `${OURS}\nactive\n${GENERATED}\nactive\nstill here\n`,
  },
];

describe("the RPM virtssh-guest", () => {
  testFacts([...ALONE, ...BESIDE_GENERATOR], async (steps) => {
    const packages = buildRpmPackages("guest");
    const files = {
      "/tmp/guest.rpm": packages.guest,
      "/tmp/next-guest.rpm": packages.nextGuest,
      "/tmp/distribution.rpm": packages.distribution,
      "/usr/bin/virtssh": "build/virtssh",
      "/lab/stand-ins.so": await ensureStandIns(),
    };
    return await runInBox({ steps, files, texts: { ...TEXTS, ...RPM_TEXTS } }, toStderr);
  });
});
