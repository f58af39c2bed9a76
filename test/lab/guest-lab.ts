// A guest in the box: systemd, sshd and the package virtssh-guest, reached over VSOCK's loopback. CID 1 is the machine itself.
import { ensureCompiled } from "./compile.ts";
import type { Fact } from "./facts.ts";

export const UNITS = "/usr/lib/systemd/system";

/** What the package installs, apart from documentation: path there, path in this repository. */
export const PACKAGE: Readonly<Record<string, string>> = {
  [`${UNITS}/sshd-vsock.socket`]: "guest/systemd/sshd-vsock.socket",
  [`${UNITS}/sshd-vsock@.service`]: "guest/systemd/sshd-vsock@.service",
  [`${UNITS}/sshd-vsock-keygen.service`]: "guest/systemd/sshd-vsock-keygen.service",
  [`${UNITS}/virtssh-vsock-forward.service`]: "guest/systemd/virtssh-vsock-forward.service",
  "/usr/lib/systemd/system-preset/80-virtssh-guest.preset": "guest/systemd/80-virtssh-guest.preset",
};

/** What `systemctl enable` makes of the units that the preset enables. */
export const ENABLED: Readonly<Record<string, string>> = {
  "/etc/systemd/system/sockets.target.wants/sshd-vsock.socket": `${UNITS}/sshd-vsock.socket`,
  "/etc/systemd/system/sshd-vsock.socket.wants/sshd-vsock-keygen.service": `${UNITS}/sshd-vsock-keygen.service`,
};

/** An image whose host keys were removed. */
export const HOST_KEYS: readonly string[] = ["rsa", "ecdsa", "ed25519"].flatMap((type) => [
  `/etc/ssh/ssh_host_${type}_key`,
  `/etc/ssh/ssh_host_${type}_key.pub`,
]);

export const TOOLS: Readonly<Record<string, string>> = {
  "/usr/bin/virtssh": "build/virtssh",
  "/etc/lab/clients.py": "test/lab/guest-clients.py",
  "/etc/lab/name-server.py": "test/lab/guest-name-server.py",
};

/** `ssh root@guest` is a login over VSOCK. */
export const TEXTS: Readonly<Record<string, string>> = {
  "/etc/ssh/ssh_config.d/90-lab.conf": `Host guest
  ProxyUseFdpass yes
  ProxyCommand virtssh proxy --fdpass vsock/1
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
  BatchMode yes
`,
};

export const AUTHORIZE: Fact = {
  name: "root may log in with the lab's key",
  run: "install -m 600 /lab/id.pub ~/.ssh/authorized_keys",
};

/** Which sockets listen on vsock port 22, one line each. */
export const LISTENERS = "ss -lH --vsock | grep -o ':22 '";

/** The same, once socat's last child has had its time to end: where one listens on, for longer than that, it is listed. */
export const LATE_LISTENERS = `for i in {1..60}; do ${LISTENERS} > /dev/null || break; sleep 0.05; done; ${LISTENERS}`;

/** A step's text that starts a session, which goes on beside what follows in that step, and returns when it is there. */
export const startSession = (name: string) => `mkfifo /tmp/${name}
  ssh root@guest 'echo in; read -r words; echo "$words"' < <(cat /tmp/${name}) > /tmp/${name}.said & session=$!
  exec 5> /tmp/${name}; until [ -s /tmp/${name}.said ]; do sleep 0.05; done`;

/** A step's text that has the session answer and end; it prints "in" and "still here". */
export const endSession = (name: string) => `echo still here >&5; exec 5>&-; wait $session; cat /tmp/${name}.said`;

/** A step's text that returns when the socket has no connection any more. */
export const ALONE = `until [ "$(systemctl show --value -p NConnections sshd-vsock.socket)" = 0 ]; do sleep 0.05; done`;

/** A step's text that opens so many connections at once, and no others; guest-clients.py says what it prints. */
export const connectAtOnce = (count: number, hold = "") =>
  `(${ALONE}; exec python3 /etc/lab/clients.py ${count} ${hold})`;

/** A step's text that adds to a unit, in a drop-in that `forgetDropIns` removes. */
export const addToUnit = (unit: string, ...lines: readonly string[]) =>
  `mkdir -p /run/systemd/system/${unit}.d && printf '%s\\n' ${lines.map((line) => `'${line}'`).join(" ")} > /run/systemd/system/${unit}.d/lab.conf && systemctl -q daemon-reload`;

export const forgetDropIns = (unit: string) => `rm -r /run/systemd/system/${unit}.d && systemctl -q daemon-reload`;

/** Returns the path of guest-stand-ins.c as a library. Throws with gcc's words. */
export function ensureStandIns(): Promise<string> {
  return ensureCompiled("guest-stand-ins.so", "guest-stand-ins.c", ["-shared", "-fPIC", "-Wl,--no-undefined"]);
}
