// The ways in which a guest comes to listen: beside systemd's generator, before any driver, and without the package.
import { type Fact, testFactsAtOnce } from "./facts.ts";
import {
  AUTHORIZE,
  connectAtOnce,
  ENABLED,
  endSession,
  ensureStandIns,
  LATE_LISTENERS,
  LISTENERS,
  PACKAGE,
  startSession,
  TEXTS,
  TOOLS,
  UNITS,
} from "./guest-lab.ts";
import { type Lab, runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

const GENERATED = "/run/systemd/generator";
const STAND_INS = "/usr/lib/guest-stand-ins.so";

/** In place of the generator: it, in a guest with a vsock device whose driver is there until a file says that it is not. */
const GENERATOR = `#!/bin/sh
[ -e /run/no-driver ] || export LD_PRELOAD=${STAND_INS}
exec /usr/lib/systemd/system-generators/systemd-ssh-generator "$@"
`;

const STATE = `systemctl show --value -p FragmentPath -p ActiveState sshd-vsock.socket | sort; ${LISTENERS}`;

const state = (folder: string) => `${folder}/sshd-vsock.socket\nactive\n:22 \n`;

const BESIDE: readonly Fact[] = [
  AUTHORIZE,
  {
    name: "where the generator makes a socket, it is the one that listens, and the package's is not",
    run: STATE,
    stdout: state(GENERATED),
  },
  { name: "a login through it", run: "ssh root@guest echo in", stdout: "in\n" },
  {
    name: "what the package brings comes with it: host keys",
    run: "systemctl list-dependencies --plain sshd-vsock.socket | grep -c keygen",
    stdout: "1\n",
  },
  {
    name: "where it gives up later, or makes one again, there is one listener all the same, and a session goes on",
    run: `${startSession("long")}
      touch /run/no-driver; systemctl daemon-reload; ${STATE}; ssh root@guest echo another
      systemctl restart sshd-vsock.socket; ${STATE}
      rm /run/no-driver; systemctl daemon-reload; ${STATE}; ssh root@guest echo another
      ${endSession("long")}`,
    stdout: `${state(UNITS)}another\n${state(UNITS)}${state(GENERATED)}another\nin\nstill here\n`,
  },
];

const LOCAL = "/usr/local/lib/systemd/system";

const BY_HAND: readonly Fact[] = [
  {
    name: "what the README has done by hand works beside the generator's socket, too, and then without it",
    run: `rm -r ${UNITS}/sshd-vsock* /etc/systemd/system/{sockets.target.wants/sshd-vsock.socket,sshd-vsock.socket.wants}; cd /etc/lab
      sed -n '/^## By hand/,/^## /s/^    //p' README.md > /tmp/by-hand; bash -ex /tmp/by-hand > /tmp/said 2>&1 || cat /tmp/said
      ${STATE}; touch /run/no-driver; systemctl daemon-reload; systemctl restart sshd-vsock.socket; ${STATE}
      systemctl is-enabled sshd-vsock.socket sshd-vsock-keygen.service`,
    stdout: `${state(GENERATED)}${state(LOCAL)}enabled\nenabled\n`,
  },
];

/** Without the kernel's functions that bring its two transports, and without the generator, which takes no CID at all for one. */
const NO_TRANSPORT = ["initcall_blacklist=vsock_loopback_init,vhost_vsock_init", "systemd.ssh_auto=no"];

const BEFORE: readonly Fact[] = [
  {
    name: "the socket listens where the kernel has no way yet to reach it",
    run: `${STATE}; ${connectAtOnce(1)}`,
    stdout: `${state(UNITS)}1 ENODEV\n`,
  },
];

/** OpenRC as it is after a boot, for a machine that was booted by something else. */
const OPENRC = `mkdir -p /run/openrc/{starting,started,stopping,inactive,failed,options,exclusive,scheduled,daemons,tmp}
  touch /run/openrc/softlevel; install -m 755 /etc/lab/openrc/virtssh-vsock-forward /etc/init.d/`;

/** cloud-init's four stages, with a seed in place of a cloud. */
const CLOUD_INIT = `cloud-init init --local && cloud-init init && cloud-init modules --mode config && cloud-init modules --mode final`;

const WITHOUT: readonly Fact[] = [
  AUTHORIZE,
  {
    name: "where both are enabled, the forwarder wins",
    run: `systemctl is-active sshd-vsock.socket virtssh-vsock-forward.service; ${LISTENERS}`,
    stdout: "inactive\nactive\n:22 \n",
  },
  {
    name: "OpenRC's script starts the forwarder",
    run: `systemctl stop virtssh-vsock-forward.service; ${OPENRC}
      rc-service -qq virtssh-vsock-forward start; until ${LISTENERS}; do sleep 0.05; done
      rc-service virtssh-vsock-forward status; ssh root@guest 'set -- $SSH_CONNECTION; echo $1'`,
    stdout: ":22 \n * status: started\n127.0.0.1\n",
    stderr: /^/,
  },
  {
    name: "and stops it",
    run: `rc-service -qq virtssh-vsock-forward stop; ${LATE_LISTENERS}; rc-service virtssh-vsock-forward status`,
    exit: 3,
    stdout: " * status: stopped\n",
    stderr: /^/,
  },
  {
    name: "its other setting is an sshd for each connection",
    run: `mkdir -p /etc/conf.d; sed 's/^#\\(forward_to="EXEC\\)/\\1/' /etc/lab/openrc/virtssh-vsock-forward.confd > /etc/conf.d/virtssh-vsock-forward
      rc-service -qq virtssh-vsock-forward start; until ${LISTENERS}; do sleep 0.05; done
      ssh root@guest 'set -- $SSH_CONNECTION; echo $1'; rc-service -qq virtssh-vsock-forward stop`,
    stdout: ":22 \nUNKNOWN\n",
    stderr: /^/,
  },
  {
    name: "cloud-init finds cloud-init.yaml and the README's user data valid",
    run: `sed -n '/^#cloud-config/,/^$/{/^\`/d;p}' /etc/lab/README.md > /tmp/with-package.yaml
      for file in /etc/lab/cloud-init.yaml /tmp/with-package.yaml; do cloud-init schema --config-file $file; done`,
    stdout: "Valid cloud-config: /etc/lab/cloud-init.yaml\nValid cloud-config: /tmp/with-package.yaml\n",
  },
  {
    name: "and a guest that is made with it listens without the package",
    run: `rm -r ${UNITS}/sshd-vsock* /etc/systemd/system/{sockets.target.wants/sshd-vsock.socket,sshd-vsock.socket.wants}; systemctl daemon-reload
      install -D -m 644 /etc/lab/cloud-init.yaml /var/lib/cloud/seed/nocloud/user-data
      echo 'instance-id: lab' > /var/lib/cloud/seed/nocloud/meta-data
      (${CLOUD_INIT}) > /tmp/cloud.log 2>&1 || cat /tmp/cloud.log
      ${STATE}; systemctl is-enabled sshd-vsock.socket; ssh root@guest echo in`,
    stdout: `${state(LOCAL)}enabled\nin\n`,
  },
];

/** Of cloud-init, what user data can have it do. It is not to touch the lab's own network and keys. */
const CLOUD_CONFIG = `datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: [write-files]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
`;

const run = (lab: Omit<Lab, "steps">, options: object) => (steps: Lab["steps"]) =>
  runInBox({ steps, ...lab, files: { ...TOOLS, ...lab.files }, texts: { ...TEXTS, ...lab.texts } }, toStderr, options);

/** Beside systemd's generator. */
const runBeside = async (steps: Lab["steps"]) => {
  const library = await ensureStandIns();
  const bootFiles = { ...PACKAGE, [STAND_INS]: library };
  const bootTexts = { "/etc/systemd/system-generators/systemd-ssh-generator": GENERATOR };
  const units = ["sshd-vsock.socket", "sshd-vsock@.service", "sshd-vsock-keygen.service"];
  const files = {
    ...Object.fromEntries(units.map((unit) => [`/etc/lab/guest/systemd/${unit}`, `guest/systemd/${unit}`])),
    "/etc/lab/README.md": "guest/README.md",
  };
  return await run({ bootFiles, bootTexts, bootLinks: ENABLED, files }, {})(steps);
};

/** Without the package, but for its forwarder. */
const OTHERS = {
  bootFiles: PACKAGE,
  bootLinks: {
    ...ENABLED,
    "/etc/systemd/system/multi-user.target.wants/virtssh-vsock-forward.service": `${UNITS}/virtssh-vsock-forward.service`,
  },
  files: {
    "/etc/lab/openrc/virtssh-vsock-forward": "guest/openrc/virtssh-vsock-forward",
    "/etc/lab/openrc/virtssh-vsock-forward.confd": "guest/openrc/virtssh-vsock-forward.confd",
    "/etc/lab/cloud-init.yaml": "guest/cloud-init.yaml",
    "/etc/lab/README.md": "guest/README.md",
  },
  texts: { "/etc/cloud/cloud.cfg.d/99-lab.cfg": CLOUD_CONFIG },
};

const LATE = { bootFiles: PACKAGE, bootLinks: ENABLED };

testFactsAtOnce([
  { name: "a guest whose systemd makes a socket itself", facts: [...BESIDE, ...BY_HAND], runLab: runBeside },
  { name: "a guest whose vsock driver is late", facts: BEFORE, runLab: run(LATE, { kernelOptions: NO_TRANSPORT }) },
  { name: "a guest that is set up without the package", facts: WITHOUT, runLab: run(OTHERS, { isOld: true }) },
]);
