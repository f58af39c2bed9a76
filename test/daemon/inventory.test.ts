// Ansible's own programs on what `virtssh inventory` tells them of a real libvirtd.
import { describe } from "vitest";
import { shellQuote } from "../../helper/quote.ts";
import { type Fact, testFacts } from "../lab/facts.ts";
import { INSTALLED } from "../lab/installed.ts";
import { runNative } from "../lab/lab.ts";
import { GRANTS, GUEST_TEXTS, renderGuest } from "./guests-with-cid.ts";

const UUID = "11111111-2222-4333-8444-aabbccddeeff";
/** A name that ssh, the shell, scp and Ansible would each make something else of. */
const ODD = "-B\u00fccher's {{ 7*7 }} a:b@c";
const ODD_HOST = "%2DB\u00fccher%27s%20%7B%7B%207%2A7%20%7D%7D%20a%3Ab%40c.system.qemu";

const TEXTS = {
  ...GUEST_TEXTS,
  // As the help has it.
  "/etc/lab/guests": '#!/bin/sh\nexec virtssh inventory "$@"\n',
  "/etc/lab/web.xml": renderGuest({ name: "Web", uuid: UUID, vsock: 7 }),
  "/etc/lab/odd.xml": renderGuest({ name: ODD, vsock: 8 }),
  "/etc/lab/plain.xml": renderGuest({ name: "plain", vsock: "none" }),
  "/etc/lab/off.xml": renderGuest({ name: "off", vsock: 9 }),
  "/etc/lab/mine.xml": renderGuest({ name: "Web", vsock: 10 }),
};

const SETUP: readonly Fact[] = [
  ...GRANTS,
  {
    name: "guests run",
    run: `chmod +x /etc/lab/guests
for name in web odd plain off; do virsh -q define /etc/lab/$name.xml; done
virsh -q start Web; virsh -q start plain; virsh -q start -- ${shellQuote(ODD)}; virsh -q suspend -- ${shellQuote(ODD)}`,
  },
  { name: "bob's guest runs", user: "bob", run: "virsh -q define /etc/lab/mine.xml; virsh -q start Web" },
];

/** Ansible wants a locale in UTF-8. */
const ansible = (command: string) => `export LC_ALL=C.UTF-8; cd /tmp; ${command}`;
const show = (host: string) => ansible(`ansible-inventory -i /etc/lab/guests --host ${shellQuote(host)}`);

const INVENTORY: readonly Fact[] = [
  {
    name: "ansible-inventory --graph shows the groups, by daemon and by state",
    run: ansible("ansible-inventory -i /etc/lab/guests --graph | grep @"),
    stdout: `@all:
  |--@ungrouped:
  |--@virtssh:
  |  |--@virtssh_system:
  |  |--@virtssh_session:
  |  |--@virtssh_running:
  |  |--@virtssh_paused:
`,
  },
  ...(
    [
      ["root the system's live guests", "root", "virtssh_system", ["Web.system.qemu", ODD_HOST]],
      ["root no session", "root", "virtssh_session", []],
      ["alice what root sees", "alice", "virtssh_system", ["Web.system.qemu", ODD_HOST]],
      ["bob his own guests", "bob", "virtssh_session", ["Web.session.qemu"]],
      ["bob his guests and the system's", "bob", "virtssh_running", ["Web.session.qemu", "Web.system.qemu"]],
      ["a guest that is paused apart", "root", "virtssh_paused", [ODD_HOST]],
    ] as const
  ).map(([name, user, group, hosts]) => ({
    name: `ansible-inventory --graph shows ${name}`,
    user,
    // Ansible keeps hosts in no order.
    run: ansible(`ansible-inventory -i /etc/lab/guests --graph ${group} | sort -r`),
    stdout: [...hosts.map((host) => `  |--${host}`), `@${group}:`].toSorted().toReversed().join("\n").concat("\n"),
  })),
  {
    name: "ansible-inventory --host shows what a guest is",
    run: show("Web.system.qemu"),
    stdout: `{
    "ansible_connection": "ssh",
    "virtssh_cid": 7,
    "virtssh_id": 1,
    "virtssh_name": "Web",
    "virtssh_state": "running",
    "virtssh_uri": "qemu:///system",
    "virtssh_uuid": "${UUID}"
}
`,
  },
  {
    name: "virtssh inventory --host prints the same",
    run: "/etc/lab/guests --host Web.system.qemu",
    stdout: `{"virtssh_uri":"qemu:///system","virtssh_name":"Web","virtssh_uuid":"${UUID}","virtssh_id":1,"virtssh_state":"running","virtssh_cid":7}\n`,
  },
  { name: "a guest that is shut off has no variables", run: "/etc/lab/guests --host off.system.qemu", stdout: "{}\n" },
  {
    name: "ansible-inventory --list takes all of it",
    run: ansible("ansible-inventory -i /etc/lab/guests --list | grep -c virtssh_uuid"),
    stdout: "2\n",
  },
  {
    name: "Ansible runs nothing that is in a guest's name",
    run: ansible(`ansible -i /etc/lab/guests virtssh_paused -m debug -a 'msg="{{ virtssh_name }}"' | grep msg`),
    stdout: `    "msg": ${JSON.stringify(ODD)}\n`,
  },
  {
    // With ControlPersist, which Ansible sets, ssh sends what its helper says to /dev/null.
    name: "Ansible reaches the guest that is meant, by whatever name",
    run: ansible(
      "ANSIBLE_SSH_ARGS= ansible -i /etc/lab/guests virtssh_paused -m raw -a true 2>&1 | grep -m1 -o 'domain .* is paused'",
    ),
    stdout: `domain "${ODD}" is paused\n`,
  },
  {
    name: "Ansible says why there is no inventory",
    run: ansible(
      "kill $(pidof libvirtd); sleep 1; ansible-inventory -i /etc/lab/guests --graph 2>&1 | grep -m1 -o 'cannot find a libvirt daemon for qemu:///system'",
    ),
    stdout: "cannot find a libvirt daemon for qemu:///system\n",
  },
];

describe("virtssh inventory is one that Ansible takes", () => {
  testFacts([...SETUP, ...INVENTORY], (steps) => runNative({ steps, files: INSTALLED, texts: TEXTS }));
});
