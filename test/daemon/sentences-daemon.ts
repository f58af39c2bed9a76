// What the system's libvirtd can be told to refuse, and how it can go away.
import { type Fact, failure } from "../lab/facts.ts";

const SOCKET = "/run/libvirt/libvirt-sock-ro";

const as = (user: string) => `setpriv --reuid ${user} --regid ${user} --init-groups env HOME=/home/${user}`;

const RESTART = (setting: string) => `pid=$(cat /run/libvirtd.pid); kill -KILL $pid; tail --pid=$pid -f /dev/null
printf '%s\\n' '${setting}' > /tmp/libvirtd.conf; libvirtd -d -f /tmp/libvirtd.conf`;

/** libvirtd's own access control, by polkit: what each of them may not. */
export const RULES = `polkit.addRule(function (action, subject) {
  var name = action.lookup("domain_name");
  var forbidden = {
    alice: ["connect.search-domains", name == "web" ? "domain.getattr" : "", name == "plain" ? "domain.read" : ""],
    bob: [name == "CASE" ? "domain.start" : "", name == "plain" ? "domain.write" : ""],
    nobody: ["connect.getattr"],
  }[subject.user] || [];
  if (action.id.indexOf("org.libvirt.api.") != 0) return polkit.Result.NOT_HANDLED;
  return forbidden.indexOf(action.id.slice("org.libvirt.api.".length)) < 0 ? polkit.Result.YES : polkit.Result.NO;
});
`;

/** No writable connection for bob, who is in the group libvirt. */
const NO_CHANGES = `polkit.addRule(function (action, subject) {
  if (action.id == "org.libvirt.unix.manage" && subject.user == "bob") return polkit.Result.NO;
});
`;

/** The last ends with no daemon. */
export const DAEMON: readonly Fact[] = [
  {
    name: "whoever started virtssh has gone, and libvirtd does not answer",
    run: "kill -STOP $(cat /run/libvirtd.pid); { virtssh proxy --timeout 20 qemu/web; echo $? >&2; } | sleep 0.5; kill -CONT $(cat /run/libvirtd.pid)",
    stderr: "virtssh: error: cannot go on: whoever started virtssh has closed its stdout\n1\n",
  },
  {
    name: "a socket that nobody but its owner may open",
    run: `chmod 0700 ${SOCKET}; ${as("alice")} virtssh resolve qemu:system/web; status=$?; chmod 0777 ${SOCKET}; exit $status`,
    exit: 1,
    stderr: failure(
      `cannot open libvirt socket "${SOCKET}": permission denied`,
      `see who may open it with: ls -l ${SOCKET}`,
    ),
  },
  {
    name: "libvirtd has polkit decide on each request",
    run: `cp /etc/lab/access.rules /etc/polkit-1/rules.d/10-lab.rules
${RESTART('access_drivers = [ "polkit" ]')}
until ${as("alice")} virtssh resolve qemu:system/web 2>&1 | grep -q 'look up'; do sleep 0.1; done # polkitd has seen the file`,
  },
  {
    name: "alice may not look that domain up",
    user: "alice",
    run: "virtssh resolve qemu:system/web",
    exit: 1,
    stderr:
      /^virtssh: error: cannot look up domain "web" in qemu:\/\/\/system: libvirt refused: "access denied.*"\nvirtssh: hint: /,
  },
  {
    name: "alice may not read that domain's XML",
    user: "alice",
    run: "virtssh resolve qemu:system/plain",
    exit: 1,
    stderr:
      /^virtssh: error: cannot read domain "plain" in qemu:\/\/\/system: libvirt refused: "access denied.*"\nvirtssh: hint: /,
  },
  {
    name: "alice may not list the domains",
    user: "alice",
    run: "virtssh inventory --list",
    exit: 1,
    stderr:
      /^virtssh: error: cannot list the domains in qemu:\/\/\/system: libvirt refused: "access denied.*"\nvirtssh: hint: /,
  },
  {
    name: "alice may not be told of events",
    user: "alice",
    run: "virtssh wait --timeout 5 'qemu:system/my vm'",
    exit: 1,
    stderr:
      /^virtssh: error: cannot watch domain "my vm" in qemu:\/\/\/system: libvirt refused: "access denied.*"\nvirtssh: hint: /,
  },
  {
    name: "a user who may not connect",
    run: `setpriv --reuid nobody --regid nogroup --clear-groups virtssh resolve qemu:system/CASE`,
    exit: 1,
    stderr:
      /^virtssh: error: cannot connect to qemu:\/\/\/system: libvirt refused: "access denied.*"\nvirtssh: hint: have .*: org\.libvirt\.api\.connect\.getattr\n$/,
  },
  {
    name: "bob may not start it",
    user: "bob",
    run: "virtssh wait --start --timeout 5 qemu:system/CASE",
    exit: 1,
    stderr:
      /^virtssh: error: cannot start domain "CASE" in qemu:\/\/\/system: libvirt refused: "access denied.*"\nvirtssh: hint: have .*: org\.libvirt\.api\.domain\.start\n$/,
  },
  {
    name: "bob may not add a device to it",
    user: "bob",
    run: "virtssh enable --live qemu:system/plain",
    exit: 1,
    stderr:
      /^virtssh: error: cannot add a vsock device to domain "plain" in qemu:\/\/\/system: libvirt refused: "access denied.*"\nvirtssh: hint: have .*: org\.libvirt\.api\.domain\.write\n$/,
  },
  {
    name: "bob may not change its configuration",
    user: "bob",
    run: "virtssh enable --config qemu:system/plain",
    exit: 1,
    stderr:
      /^virtssh: error: cannot add a vsock device to the configuration of domain "plain" in qemu:\/\/\/system: libvirt refused: "access denied.*"\nvirtssh: hint: have .*: org\.libvirt\.api\.domain\.write, org\.libvirt\.api\.domain\.save\n$/,
  },
  {
    name: "bob may not ask its agent",
    user: "bob",
    run: "virtssh keys list qemu:system/plain --user root",
    exit: 1,
    stderr:
      /^virtssh: error: cannot ask the guest agent of domain "plain" in qemu:\/\/\/system: libvirt refused: "access denied.*"\nvirtssh: hint: have .*: org\.libvirt\.api\.domain\.write\n$/,
  },
  {
    name: "bob may not write its configuration anew",
    user: "bob",
    run: "virtssh keys credential --apply qemu:system/plain ~/.ssh/id_ed25519.pub",
    exit: 1,
    stderr:
      /^virtssh: error: cannot change the configuration of domain "plain" in qemu:\/\/\/system: libvirt refused: "access denied.*"\nvirtssh: hint: have .*: org\.libvirt\.api\.domain\.read, org\.libvirt\.api\.domain\.read-secure, org\.libvirt\.api\.domain\.write, org\.libvirt\.api\.domain\.save\n$/,
  },
  {
    name: "bob may change nothing",
    run: `printf '%s' '${NO_CHANGES}' > /etc/polkit-1/rules.d/05-lab.rules
until ${as("bob")} virtssh wait --start --timeout 5 qemu:system/CASE 2>&1 | grep -q policy; do sleep 0.1; done # polkitd has seen the file
${as("bob")} virtssh wait --start --timeout 5 qemu:system/CASE; status=$?; rm /etc/polkit-1/rules.d/05-lab.rules; exit $status`,
    exit: 1,
    stderr: failure(
      'cannot start domain "CASE" in qemu:///system: libvirt refused: "authentication failed: access denied by policy"',
      "have the administrator grant you, by polkit: org.libvirt.unix.manage",
    ),
  },
  {
    name: "libvirtd wants SASL",
    run: `${RESTART('auth_unix_ro = "sasl"')}; virtssh resolve qemu/web`,
    exit: 1,
    stderr: failure(
      `cannot log in to libvirt at "${SOCKET}": it asks for SASL, which virtssh does not speak`,
      'set auth_unix_ro to "none" or "polkit" in libvirtd.conf or virtqemud.conf',
    ),
  },
  {
    name: "libvirtd dies while it is asked",
    run: `kill -STOP $(cat /run/libvirtd.pid); (sleep 0.5; kill -KILL $(cat /run/libvirtd.pid)) & virtssh resolve qemu/web`,
    exit: 1,
    stderr: failure(
      `cannot ask libvirt: the daemon closed the connection to "${SOCKET}"`,
      "see whether virsh can: virsh -c qemu:///system list",
    ),
  },
  {
    name: "neither the system's daemon nor alice's own",
    user: "alice",
    run: "virtssh resolve qemu/web",
    exit: 1,
    stderr: failure(
      `cannot find a libvirt daemon for qemu:///system or qemu:///session: "/run/libvirt/virtqemud-sock-ro" is missing, nobody listens on "${SOCKET}", "/run/user/1000/libvirt/virtqemud-sock" is missing, "/run/user/1000/libvirt/libvirt-sock" is missing`,
      "start it with: sudo systemctl start libvirtd",
    ),
  },
  {
    name: "no libvirt for QEMU at all",
    run: "mv /usr/sbin/libvirtd /tmp/; rm /run/libvirt/libvirt-sock*; virtssh resolve qemu/web",
    exit: 1,
    stderr: failure(
      `cannot find a libvirt daemon for qemu:///system: "/run/libvirt/virtqemud-sock-ro" is missing, "${SOCKET}" is missing`,
      "install libvirt's QEMU driver: libvirt-daemon-system on Debian, libvirt-daemon-kvm on Fedora",
    ),
  },
];
