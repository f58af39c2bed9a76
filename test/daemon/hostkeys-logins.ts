// Logins to guests whose keys nobody has cause to doubt: the first, and those after it; however the guest is called, and whoever
// calls it. None of them asks or says anything.
import type { Fact } from "../lab/facts.ts";
import { MINE, ONE, pin, pinned, RSA, SPACED, TWO, WEB } from "./hostkeys-lab.ts";

const HEADER = `# The host keys of one libvirt domain, by which its guest is known again. "virtssh trust" shows them, and forgets them.\n`;

const STORE = `700 root d root/.local/state/virtssh
700 root d root/.local/state/virtssh/hosts
600 root f root/.local/state/virtssh/hosts/${WEB}
600 root f root/.local/state/virtssh/lock
700 root d run/virtssh
`;

const FIRST: readonly Fact[] = [
  { name: "the first login is silent", run: "fresh; login web.qemu echo in", stdout: "in\n" },
  {
    name: "it has pinned one key, in a file and directories of the user's own, and left nothing else",
    run: "made; plain < $STATE/hosts/*; ls ~/.ssh",
    stdout: `${STORE}${HEADER}${pin(ONE)}id_ed25519\nid_ed25519.pub\n`,
  },
  {
    name: "the second login is silent, and writes nothing on the same day",
    run: `stat -c '%i %y %z' $STATE/hosts/* > before; cp $STATE/hosts/${WEB} text; login web.qemu echo in; stat -c '%i %y %z' $STATE/hosts/* | cmp - before; cmp $STATE/hosts/${WEB} text; made`,
    stdout: `in\n${STORE}`,
  },
  {
    name: "the first login of another day writes that day down, and nothing else",
    run: `sed -i 's/seen [0-9-]*T[0-9:]*Z/seen 2001-02-03T04:05:06Z/g' $STATE/hosts/*; login web.qemu true; grep -c '^# domain "web", port 22, first seen 2001-02-03T04:05:06Z, last seen 20[2-9]' $STATE/hosts/*; grep -vc '^#' $STATE/hosts/*; made`,
    stdout: `1\n1\n${STORE}`,
  },
  {
    name: "a session in which keys are exchanged anew asks nothing more",
    run: "fresh; login -o RekeyLimit=256K web.qemu 'head -c 2M /dev/zero' | wc -c; pins",
    stdout: `2097152\n${pinned(ONE)}`,
  },
  ...["yes", "ask", "accept-new", "no"].map((checking) => ({
    name: `StrictHostKeyChecking ${checking}, from the first login on`,
    run: `fresh; for i in 1 2; do login -o StrictHostKeyChecking=${checking} web.qemu echo in; done; pins; ls ~/.ssh`,
    stdout: `in\nin\n${pinned(ONE)}id_ed25519\nid_ed25519.pub\n`,
  })),
  {
    name: "a terminal, where ssh could ask, sees no question",
    run: `fresh; script -qec 'ssh web.qemu echo in' /dev/null < /dev/null | plain`,
    stdout: "in\n",
  },
  {
    name: "XDG_STATE_HOME says where pins are kept",
    run: "fresh; mkdir -p -m 700 /tmp/state; export XDG_STATE_HOME=/tmp/state; login web.qemu true; pins /tmp/state/virtssh; made; rm -r /tmp/state",
    stdout: `${pinned(ONE)}700 root d run/virtssh\n`,
  },
  {
    name: "a guest with more than one key has the one pinned that ssh likes best, and shows that one from then on",
    run: "fresh; guest 7-22 rsa one; login web.qemu true; login web.qemu true; pins",
    stdout: pinned(ONE),
  },
  {
    name: "a guest whose RSA key is pinned and that has got an ED25519 key, too, is asked for the RSA key",
    run: "fresh; guest 7-22 rsa; login web.qemu true; guest 7-22 one rsa ecdsa; login web.qemu echo in; pins",
    stdout: `in\n${pinned(RSA)}`,
  },
];

const SPELLINGS = [
  ...["qemu/web", "qemu:system/web", "qemu%web", "qemu-system%web", "web.qemu", "web.system.qemu"],
  ...[`qemu/${WEB}`, `qemu/${WEB.toUpperCase()}`, `${WEB}.qemu`, "QEMU/web", "web.QEMU"],
];

const NAMES: readonly Fact[] = [
  {
    name: "all spellings of a domain, in capitals too, are one pin",
    run: `fresh; for target in ${SPELLINGS.join(" ")} qemu/$(virsh domid web); do login root@$target echo in; done; pins`,
    stdout: `${"in\n".repeat(SPELLINGS.length + 1)}${pinned(ONE)}`,
  },
  {
    name: "an alias is the same pin, whatever it is called",
    run: `fresh; printf 'Host dev\\n  HostName qemu/web\\nHost other\\n  HostName web.qemu\\n  HostKeyAlias other\\n' > ~/.ssh/config; for host in dev other web.qemu; do login $host echo $host; done; pins`,
    stdout: `dev\nother\nweb.qemu\n${pinned(ONE)}`,
  },
  {
    name: "port 2222 has a pin of its own, in the same file",
    run: `fresh; guest 7-2222 two; for port in 22 2222 22 2222; do login -p $port web.qemu echo $port; done; pins`,
    stdout: `22\n2222\n22\n2222\n${pinned(ONE)}${pin(TWO, { port: 2222 })}`,
  },
  {
    name: "a domain with a space in its name",
    run: "fresh; guest 8-22 two; for i in 1 2; do login qemu/my%20vm echo in; done; pins",
    stdout: `in\nin\n${pinned(TWO, { name: "my vm", uuid: SPACED })}`,
  },
  {
    name: "a domain with a space in its name, on another port than 22",
    run: "fresh; ln -sf 7-2222 /tmp/vsock/8-2222; guest 7-2222 two; for i in 1 2; do login -p 2222 qemu/my%20vm echo in; done; pins; rm /tmp/vsock/8-2222",
    stdout: `in\nin\n${pinned(TWO, { name: "my vm", uuid: SPACED, port: 2222 })}`,
  },
];

const WAYS: readonly Fact[] = [
  ...(
    [
      ["ProxyUseFdpass no", "-o ProxyUseFdpass=no"],
      ["a ProxyCommand without --fdpass", "-o ProxyUseFdpass=no -o 'ProxyCommand=virtssh proxy %h %p'"],
      ["--wait", "-o 'ProxyCommand=virtssh proxy --fdpass --wait 5 %h %p'"],
    ] as const
  ).map(([name, options]) => ({
    name: `${name} pins as much`,
    run: `fresh; for i in 1 2; do login ${options} web.qemu echo in; done; pins; made`,
    stdout: `in\nin\n${pinned(ONE)}${STORE}`,
  })),
  {
    name: "a connection that lives on, by ControlPersist, has its key pinned, and is used by the next login",
    run: `fresh; shared() { login -o ControlMaster=auto -o ControlPath=/tmp/cm-%C -o ControlPersist=20 "$@"; }
shared web.qemu echo in; shared web.qemu 'echo again'; pins; made; shared -O exit web.qemu; rm -f /tmp/cm-*`,
    stdout: `in\nagain\n${pinned(ONE)}${STORE}`,
    stderr: "Exit request sent.\n",
  },
  {
    name: "a bare CID has no UUID: it leaves no record, and ssh's usual rules are to be had",
    run: `fresh; printf 'Host x\\n  ProxyCommand virtssh proxy --fdpass vsock/7 %%p\\n  ProxyUseFdpass yes\\n' > ~/.ssh/config
login -o StrictHostKeyChecking=accept-new x echo in; login x echo again; plain < ~/.ssh/known_hosts | sed 's/^|1|[^ ]*/HASH/'; made`,
    stdout: `in\nagain\nHASH ${ONE}\n`,
    stderr: "Warning: Permanently added 'x' (ED25519) to the list of known hosts.\n",
  },
  {
    name: "a bare CID under the drop-in's own KnownHostsCommand: nothing is pinned, and nothing vouched for",
    run: `fresh; { echo Host x; sed -n 's/proxy --fdpass .*/proxy --fdpass vsock\\/7 %p/; /^ /p' /etc/ssh/ssh_config.d/25-virtssh.conf; } > ~/.ssh/config
login x echo in; echo $?; made`,
    stdout: "255\n",
    stderr:
      /^virtssh: warning: cannot vouch for the host key of "x": .*\nvirtssh: hint: .*\nHost key verification failed.\n$/,
  },
];

const alice = { user: "alice" } as const;

const USERS: readonly Fact[] = [
  {
    name: "alice has pins of her own, and records in her own runtime directory",
    ...alice,
    run: "for i in 1 2; do login root@web.qemu echo in; done; pins; made",
    stdout: `in\nin\n${pinned(ONE)}700 alice d home/alice/.local/state/virtssh
700 alice d home/alice/.local/state/virtssh/hosts
600 alice f home/alice/.local/state/virtssh/hosts/${WEB}
600 alice f home/alice/.local/state/virtssh/lock
700 alice d run/user/1000/virtssh
`,
  },
  {
    name: "alice without XDG_RUNTIME_DIR",
    ...alice,
    run: "rm -rf ~/.local /run/user/1000/virtssh; unset XDG_RUNTIME_DIR; for i in 1 2; do login root@web.qemu echo in; done; pins; ls ~/.local/state/virtssh /run/user/1000",
    stdout: `in\nin\n${pinned(ONE)}/home/alice/.local/state/virtssh:\nhosts\nlock\nrun\n\n/run/user/1000:\n`,
  },
  {
    name: "alice without a runtime directory at all",
    run: `mv /run/user/1000 /run/user/none; rm -rf /run/user/none/virtssh; rm -rf /home/alice/.local; as_user alice bash -c '. /etc/lab/keys.sh; for i in 1 2; do login root@web.qemu echo in; done; pins; made'; mv /run/user/none /run/user/1000`,
    stdout: `in\nin\n${pinned(ONE)}700 alice d home/alice/.local/state/virtssh
700 alice d home/alice/.local/state/virtssh/hosts
600 alice f home/alice/.local/state/virtssh/hosts/${WEB}
600 alice f home/alice/.local/state/virtssh/lock
700 alice d home/alice/.local/state/virtssh/run
`,
  },
  {
    name: "root with alice's XDG_RUNTIME_DIR, HOME and XDG_STATE_HOME keeps pins in root's own home, and makes nothing in hers",
    run: `fresh; install -d -o alice -m 755 /home/alice/.state; env XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/alice XDG_STATE_HOME=/home/alice/.state ssh -o BatchMode=yes web.qemu echo in; made; pins; ls -A /home/alice/.state; rmdir /home/alice/.state`,
    stdout: `in\n${STORE}${pinned(ONE)}`,
  },
  {
    name: "bob's own domain, of his session",
    user: "bob",
    run: "for target in qemu:session/mine mine.qemu; do login root@$target echo $target; done; pins; ls -A /run/user/1001/virtssh",
    stdout: `qemu:session/mine\nmine.qemu\n${pinned(ONE, { name: "mine", uuid: MINE })}`,
  },
];

export const LOGINS: readonly Fact[] = [...FIRST, ...NAMES, ...WAYS, ...USERS];
