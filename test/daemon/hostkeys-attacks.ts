// Keys that have not come from the guest over VSOCK, and guests and users that lie: none becomes a guest's pin but what the guest
// itself has shown.
import { type Fact, failure } from "../lab/facts.ts";
import { OTHER_KEY, REFUSES, SHOWN_TWO, sshShouts } from "./hostkeys-changes.ts";
import { ONE, pinned, SPACED, TWO, WEB } from "./hostkeys-lab.ts";

/** An sshd at 127.0.0.1:2200, and behind it another, which answers to the guest's name. */
const NETWORK: readonly Fact[] = [
  {
    name: "a jump host, and behind it a host that answers to the guest's name",
    run: `guest jump jump 'ListenAddress 127.0.0.1:2200'; guest behind behind 'ListenAddress 127.0.0.2:22'
/usr/sbin/sshd -f /tmp/guests/jump && /usr/sbin/sshd -f /tmp/guests/behind; echo '127.0.0.2 web.qemu behind.example' >> /etc/hosts`,
  },
];

const JUMP = "printf 'Host jump\\n  HostName 127.0.0.1\\n  Port 2200\\n' > ~/.ssh/config";

const NOT_OURS = failure(
  'cannot vouch for the host key of "web.qemu": virtssh knows of no domain behind this connection',
  "behind ProxyJump or a ProxyCommand of your own, let ssh check it: -o KnownHostsCommand=none -o UserKnownHostsFile=~/.ssh/known_hosts",
).replace("error", "warning");
const FAILED = "Host key verification failed.\n";
const ADDED = (name: string) => `Warning: Permanently added '${name}' (ED25519) to the list of known hosts.\n`;

const OVER_TCP: readonly (readonly [name: string, options: string])[] = [
  ["a jump host", "-J jump"],
  ["a ProxyJump", "-o ProxyJump=root@jump"],
  ["a foreign ProxyCommand", "-o ProxyUseFdpass=no -o 'ProxyCommand=socat - TCP:127.0.0.2:22'"],
];

const ATTACKS: readonly Fact[] = [
  {
    name: "a key that has come through a jump host, as a guest's",
    run: `fresh; ${JUMP}; login -J jump web.qemu echo in; echo $?; made; ls ~/.ssh`,
    stdout: "255\nconfig\nid_ed25519\nid_ed25519.pub\n",
    stderr: NOT_OURS + FAILED,
  },
  ...OVER_TCP.flatMap(([name, options]) => [
    {
      name: `a key that has come through ${name} is vouched for in no mode of ssh's`,
      run: `fresh; ${JUMP}; for checking in yes ask accept-new no; do login -o StrictHostKeyChecking=$checking ${options} web.qemu echo in; echo $?; done; made`,
      stdout: "255\n255\n255\n255\n",
      stderr: (NOT_OURS + FAILED).repeat(4),
    },
    {
      name: `a key that has come through ${name} is not pinned after a real login by the same shell`,
      run: `fresh; ${JUMP}; login web.qemu echo in; login ${options} web.qemu echo in; echo $?; pins`,
      stdout: `in\n255\n${pinned(ONE)}`,
      stderr: NOT_OURS + FAILED,
    },
    {
      name: `with a known_hosts file of the user's own, ssh's rules hold for a key that has come through ${name}; it is not pinned`,
      run: `fresh; ${JUMP}; for i in 1 2; do login ${options} -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=~/.ssh/known_hosts_own -o HashKnownHosts=no web.qemu echo in; done; made; plain < ~/.ssh/known_hosts_own; login web.qemu echo in; pins`,
      stdout: `in\nin\nweb.qemu ssh-ed25519 <behind>\nin\n${pinned(ONE)}`,
      stderr: NOT_OURS + ADDED("web.qemu") + NOT_OURS,
    },
  ]),
  {
    name: "what the hint says lets ssh check such a key",
    run: `fresh; ${JUMP}; hint=$(ssh -o BatchMode=yes -J jump web.qemu 2>&1 | sed -n 's/.*let ssh check it: //p'); for i in 1 2; do eval "login -J jump $hint -o StrictHostKeyChecking=accept-new web.qemu echo in"; done; made; ls ~/.ssh/known_hosts`,
    stdout: "in\nin\n/root/.ssh/known_hosts\n",
    stderr: ADDED("web.qemu"),
  },
  {
    name: "a record that a shell has left is not that of the ssh which the shell becomes",
    run: `fresh; ${JUMP}; plainly sh -c 'virtssh proxy qemu/web < /dev/null > /dev/null; ls /run/virtssh | wc -l; exec ssh -o BatchMode=yes -J jump web.qemu echo in'; echo $?; ls $STATE; login web.qemu true; made | grep -c run/virtssh/; pins`,
    stdout: `1\n255\n0\n${pinned(ONE)}`,
    stderr: `${NOT_OURS + FAILED}ls: cannot access '/root/.local/state/virtssh': No such file or directory\n`,
  },
  {
    name: "a record that a script called ssh has left is not that of the ssh which the script becomes",
    run: `fresh; ${JUMP}; mkdir -p bin; printf '#!/bin/sh\\nvirtssh proxy qemu/web < /dev/null > /dev/null\\nexec /usr/bin/ssh "$@"\\n' > bin/ssh; chmod 755 bin/ssh; plainly bin/ssh -o BatchMode=yes -J jump web.qemu echo in; echo $?; ls -d $STATE 2> /dev/null`,
    exit: "failure",
    stdout: "255\n",
    stderr: NOT_OURS + FAILED,
  },
];

const RECORDS: readonly Fact[] = [
  {
    name: "a record is its user's alone, and says which guest it is",
    run: "fresh; record qemu/web; stat -c '%a %U %n' /run/virtssh /run/virtssh/* | sed s/$$-[0-9]*/PID-TIME/; cat /run/virtssh/*; echo",
    stdout: new RegExp(
      `^700 root /run/virtssh\\n600 root /run/virtssh/PID-TIME\\n\\{"uri":"qemu:///system","name":"web","uuid":"${WEB}","id":\\d+,"cid":7,"port":22,"program":"bash","stack":"[1-9]\\d+"\\}\\n$`,
    ),
  },
  {
    name: "a record that a process of the same pid has left, which is gone, is not used, and is swept",
    run: "fresh; record qemu/web; mv /run/virtssh/$$-* /run/virtssh/$$-1; plainly virtssh known-hosts -- HOSTNAME $(key one) web.qemu; ls /run/virtssh | sed s/$$/PID/; login web.qemu true; ls /run/virtssh; pins",
    stdout: `PID-1\n${pinned(ONE)}`,
    stderr: NOT_OURS,
  },
  {
    name: "a record is good for one key alone",
    run: "fresh; record qemu/web; for i in 1 2; do plainly virtssh known-hosts -- HOSTNAME $(key one) web.qemu > lines; plain < lines; done; ls /run/virtssh",
    stdout: `* ${ONE}\n`,
    stderr: NOT_OURS,
  },
  ...["chmod 666", "chown alice", "ln -sf /tmp/record"].map((change) => ({
    name: `a record that is not as it was left is none: ${change}`,
    run: `fresh; record qemu/web; cp /run/virtssh/* /tmp/record; ${change} /run/virtssh/*; plainly virtssh known-hosts -- HOSTNAME $(key one) web.qemu; ls -d $STATE 2> /dev/null`,
    exit: "failure" as const,
    stderr: NOT_OURS,
  })),
  {
    name: "a guest as the jump host is known as any, and what is behind it is checked by ssh",
    run: "fresh; for i in 1 2; do login -o StrictHostKeyChecking=accept-new -J root@web.qemu behind.example echo in; done; pins; made | grep -c run/virtssh/",
    exit: 1,
    stdout: `in\nin\n${pinned(ONE)}0\n`,
    stderr: ADDED("behind.example"),
  },
];

/** An agent that shows one key, and signs with another's: it stands before a real agent. Arguments: its socket, both blobs. */
export const LIAR = `import base64, os, socket, struct, sys, threading
path, shown, held = sys.argv[1], base64.b64decode(sys.argv[2]), base64.b64decode(sys.argv[3])

def message(stream):
    head = stream.recv(4, socket.MSG_WAITALL)
    return head + stream.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL) if len(head) == 4 else b""

def serve(client):
    with client, socket.socket(socket.AF_UNIX) as agent:
        agent.connect(os.environ["SSH_AUTH_SOCK"])
        while request := message(client):
            agent.sendall(request.replace(shown, held))
            client.sendall(message(agent).replace(held, shown))

listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
print("listening", flush=True)
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
`;

const LIES: readonly Fact[] = [
  {
    name: "a guest that shows a key which it does not hold: ssh refuses its signature, and the key is pinned all the same",
    run: `fresh; rm -f /tmp/liar; eval $(ssh-agent) > /dev/null; ssh-add -q $K/two; exec 5< <(exec python3 /etc/lab/liar.py /tmp/liar $(key one | cut -d' ' -f2) $(key two | cut -d' ' -f2)); liar=$!; read -r -u 5
guest 7-22 one.pub 'HostKeyAgent /tmp/liar'; login web.qemu echo in; echo $?; pins; kill $liar; ssh-agent -k > /dev/null`,
    stdout: `255\n${pinned(ONE)}`,
    stderr: /incorrect signature\n$/,
  },
  {
    name: "from then on, the guest that it harms is itself: what it does hold is refused",
    run: "guest 7-22 two; login web.qemu echo in; echo $?",
    stdout: "255\n",
    stderr: OTHER_KEY + sshShouts(SHOWN_TWO) + REFUSES,
  },
  {
    name: "another guest is none the worse",
    run: "guest 8-22 two; login qemu/my%20vm echo in; pins",
    stdout: `in\n${pinned(ONE)}${pinned(TWO, { name: "my vm", uuid: SPACED })}`,
  },
];

const CROWD: readonly Fact[] = [
  {
    name: "50 first logins at once all succeed, and leave one clean file with one key",
    run: `fresh; rm -rf crowd; mkdir crowd; for i in {1..50}; do ssh -o BatchMode=yes web.qemu echo in > crowd/$i 2>&1 & done; wait; cat crowd/* | sort | uniq -c; pins; made`,
    timeoutSeconds: 60,
    stdout: `     50 in\n${pinned(ONE)}700 root d root/.local/state/virtssh
700 root d root/.local/state/virtssh/hosts
600 root f root/.local/state/virtssh/hosts/${WEB}
600 root f root/.local/state/virtssh/lock
700 root d run/virtssh
`,
  },
];

export const ATTACKED: readonly Fact[] = [...NETWORK, ...ATTACKS, ...RECORDS, ...LIES, ...CROWD];
