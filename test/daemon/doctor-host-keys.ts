// What `virtssh doctor` says of host keys: which one is pinned, and whether anybody checks them; ssh is seen to agree.
import type { Fact } from "../lab/facts.ts";
import { ASKS_AT, BY_VIRTSSH, config, DROP_IN, ENV, FAILURES, failed, SSHD } from "./doctor-lab.ts";
import { UUID } from "./domains.ts";

const PIN = `/root/.local/state/virtssh/hosts/${UUID}`;
const ADMIN = `/etc/virtssh/hosts/${UUID}`;
/** The guest's key as ssh-keygen shows it, and as a line of known_hosts has it. */
const SHA256 = "$(ssh-keygen -l -f /lab/id.pub | cut -d' ' -f2)";
const KEY = "$(cut -d' ' -f1,2 /lab/id.pub)";
const STEP = "grep '^.. *host key:'";

/** After a login. */
export const PINS: readonly Fact[] = [
  {
    name: "which key is pinned, as ssh-keygen shows it",
    run: `${ENV}; virtssh doctor qemu/web | ${STEP} | sed "s|${SHA256}|KEY|; s|since .* UTC|since TIME|"; virtssh doctor --json qemu/web | grep -c "${SHA256}"`,
    stdout: `ok    host key: ED25519 KEY pinned since TIME, in "${PIN}"\n1\n`,
  },
  {
    name: "nothing is pinned for another port, or for another user, and nothing is made for one",
    run: `${ENV}; ${config("Host dev\\n  HostName qemu/web\\n  Port 2222\\n")}; virtssh doctor dev | ${STEP}; rm ~/.ssh/config; as_user alice bash -c 'virtssh doctor qemu/web; ls -A ~/.local' 2>&1 | grep -o 'host key: none\\|No such file.*'`,
    stdout:
      "ok    host key: none is pinned yet: the next login pins the one that the guest shows\nhost key: none\nNo such file or directory\n",
  },
  {
    name: "the administrator's keys come first",
    run: `${ENV}; mkdir -p /etc/virtssh/hosts; echo "@cert-authority * ${KEY}" > ${ADMIN}; virtssh doctor qemu/web | ${STEP} | sed "s|${SHA256}|KEY|"; rm -r /etc/virtssh`,
    stdout: `ok    host key: certificates of ED25519 KEY pinned by the administrator, in "${ADMIN}"\n`,
  },
  {
    name: "a key that the administrator has revoked leaves the user's own pin in force",
    run: `${SSHD}; mkdir -p /etc/virtssh/hosts; ssh-keygen -q -t ed25519 -N '' -f /tmp/revoked; echo "@revoked * $(cut -d' ' -f1,2 /tmp/revoked.pub)" > ${ADMIN}; ssh -o BatchMode=yes qemu/web 'echo in'; virtssh doctor qemu/web | ${STEP} | cut -d' ' -f1-7,9- | sed "s|since .* UTC|since TIME|; s|$(ssh-keygen -l -f /tmp/revoked.pub | cut -d' ' -f2)|KEY|"
echo "@revoked * ${KEY}" > ${ADMIN}; ssh -o BatchMode=yes qemu/web true 2>&1 | grep -c 'REVOKED HOST KEY'; rm -r /etc/virtssh`,
    stdout: `in\nok    host key: ED25519 pinned since TIME, in "${PIN}"; revoked: ED25519 KEY\n1\n`,
  },
  {
    name: "pins that ssh would fail at, too",
    run: `${SSHD}; cp ${PIN} /tmp/pin; echo nonsense >> ${PIN}; virtssh doctor qemu/web ${FAILURES}; ssh -o BatchMode=yes qemu/web true 2>&1 | grep -c 'line 4 is no host key'; cp /tmp/pin ${PIN}; virtssh doctor qemu/web | grep -c FAIL`,
    exit: 1,
    stdout: `${failed(
      "host key",
      `cannot read the host keys in "${PIN}": line 4 is no host key`,
      `look at that line, and correct or remove it: less ${PIN}`,
    )}1\n0\n`,
  },
  {
    name: "a domain that is shut off has its pins still",
    run: `virsh -q destroy bare; mkdir -p /etc/virtssh/hosts; echo "* ${KEY}" > /etc/virtssh/hosts/$(virsh -r domuuid bare | head -n 1); virtssh doctor qemu/bare | ${STEP} | cut -d' ' -f5-7; rm -r /etc/virtssh; virsh -q start bare`,
    stdout: "host key: ED25519\n",
  },
];

/** By the block of `virtssh setup`, which has the program's path in it twice. */
const SETUP_LOGIN: Fact = {
  name: "a virtssh in a folder with an odd name, once it is set up: it pins, and doctor sees nothing wrong",
  run: `${SSHD}; mv ${DROP_IN} ${PIN} /tmp/; odd="/tmp/it's \\"100%h\\" \\$HOME"; mkdir "$odd"; cp /usr/bin/virtssh "$odd"; "$odd/virtssh" setup > /dev/null
ssh -o BatchMode=yes qemu/web 'echo in'; cut -d' ' -f1,2 ${PIN} | tail -n 1; virtssh doctor qemu/web | grep -c FAIL; virtssh setup --remove > /dev/null; mv /tmp/25-virtssh.conf ${DROP_IN}`,
  stdout: "in\n* ssh-ed25519\n0\n",
};

/** Whether ssh logs in, in each way of being strict. */
const LOGINS = `for mode in ask yes accept-new no; do ssh -o BatchMode=yes -o StrictHostKeyChecking=$mode qemu/web true 2> /dev/null; echo $?; done`;
const NO_LOGIN = "255\n".repeat(4);
const CHECK = "grep '^.. *host key check:' | cut -c 23-";
/** A KnownHostsCommand of the user's own, as printf writes it. */
const asks = (program: string) => config(`Host *\\n  KnownHostsCommand ${program} known-hosts -- %%I %%t %%K %%n\\n`);
const words = (program: string) => `"${program} known-hosts -- %I %t %K %n" ("/root/.ssh/config" line 2)`;
const NOBODY = (host: string) => `nobody can tell ssh that a host key of "${host}" is right`;
const INSTALL = "install this version of virtssh where it says that it is";

const BROKEN: readonly Fact[] = [
  {
    name: "KnownHostsCommand none, with which no ssh logs in",
    run: `${SSHD}; ${config("Host *\\n  KnownHostsCommand none\\n")}; virtssh doctor qemu/web ${FAILURES}; ${LOGINS}`,
    stdout:
      failed(
        "host key check",
        `${NOBODY("qemu/web")}: KnownHostsCommand is none ("/root/.ssh/config" line 2), and there is no file of known hosts`,
        "take that line out, or write one more beside it: UserKnownHostsFile ~/.ssh/known_hosts",
      ) + NO_LOGIN,
  },
  {
    name: "KnownHostsCommand none, once the hint is followed",
    run: `${SSHD}; echo "  $(virtssh doctor qemu/web | sed -n 's/^ *hint: .* beside it: //p')" >> ~/.ssh/config; virtssh doctor qemu/web | ${CHECK}; ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new qemu/web echo in 2>&1; ssh-keygen -F qemu/web | wc -l; rm ~/.ssh/config ~/.ssh/known_hosts`,
    stdout:
      "by ssh itself, in \"/root/.ssh/known_hosts\"\nWarning: Permanently added 'qemu/web' (ED25519) to the list of known hosts.\r\nin\n2\n",
  },
  {
    name: "a block of one's own without a KnownHostsCommand, until the hint is followed",
    run: `${SSHD}; mv ${DROP_IN} /tmp/; grep -v KnownHostsCommand /tmp/25-virtssh.conf > ~/.ssh/config; virtssh doctor qemu/web ${FAILURES}; ${LOGINS}; echo "  $(virtssh doctor qemu/web | sed -n 's/^ *hint: write beside the ProxyCommand: //p')" >> ~/.ssh/config; virtssh doctor qemu/web | grep -c FAIL; ssh -o BatchMode=yes qemu/web echo in; mv /tmp/25-virtssh.conf ${DROP_IN}; rm ~/.ssh/config`,
    stdout: `${failed(
      "host key check",
      `${NOBODY("qemu/web")}: there is neither a KnownHostsCommand nor a file of known hosts`,
      "write beside the ProxyCommand: KnownHostsCommand /usr/bin/virtssh known-hosts -- %I %t %K %n",
    )}${NO_LOGIN}0\nin\n`,
  },
  {
    name: "a bare CID by a copy of the drop-in, until the hint is followed",
    run: `${SSHD}; sed 's|^Match .*|Match host "vsock/*"|' ${DROP_IN} > ~/.ssh/config; virtssh doctor vsock/7 ${FAILURES}; ssh -o BatchMode=yes vsock/7 true 2> /dev/null; echo $?; eval "$(virtssh doctor vsock/7 | sed -n 's/^ *hint: let ssh check it: //p') -o BatchMode=yes -o StrictHostKeyChecking=accept-new echo in" 2> /dev/null; sed -i '/KnownHosts/d' ~/.ssh/config; virtssh doctor vsock/7 | ${STEP}; rm ~/.ssh/config ~/.ssh/known_hosts`,
    stdout: `${failed(
      "host key",
      `${NOBODY("vsock/7")}: virtssh knows guests by their UUID, a bare CID has none, and there is no file of known hosts`,
      "let ssh check it: ssh -o KnownHostsCommand=none -o UserKnownHostsFile=~/.ssh/known_hosts vsock/7",
    )}255\nin\nok    host key: a bare CID has no UUID: nothing is pinned, ssh's usual rules apply\n`,
  },
  {
    name: "a KnownHostsCommand without a path, with which no ssh logs in",
    run: `${SSHD}; ${asks("virtssh")}; virtssh doctor qemu/web ${FAILURES}; ${LOGINS}`,
    stdout:
      failed(
        "host key check",
        `ssh cannot ask for host keys: KnownHostsCommand ${words("virtssh")} begins with no absolute path`,
        "write the whole path of virtssh there",
      ) + NO_LOGIN,
  },
  {
    name: "a KnownHostsCommand that is not there, with which no ssh logs in",
    run: `${SSHD}; ${asks("/nowhere/virtssh")}; virtssh doctor qemu/web ${FAILURES}; ${LOGINS}`,
    stdout:
      failed(
        "host key check",
        `ssh cannot ask for host keys: KnownHostsCommand ${words("/nowhere/virtssh")} cannot be run: no such file or directory (ENOENT)`,
        INSTALL,
      ) + NO_LOGIN,
  },
  {
    name: "a KnownHostsCommand that is not there, and files",
    run: `${SSHD}; echo '  UserKnownHostsFile /tmp/known_hosts' >> ~/.ssh/config; virtssh doctor qemu/web | ${CHECK}; ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o LogLevel=QUIET qemu/web echo in`,
    stdout: `by ssh itself, in "/tmp/known_hosts": there is no ${words("/nowhere/virtssh")}\nin\n`,
  },
  {
    name: "a virtssh that does not know the word, with which no ssh logs in",
    run: `${SSHD}; mkdir /tmp/old; printf '#!/bin/sh\\necho "virtssh: error: unknown command $1" >&2; exit 2\\n' > /tmp/old/virtssh; chmod 755 /tmp/old/virtssh; ${asks("/tmp/old/virtssh")}; echo '  UserKnownHostsFile /tmp/known_hosts' >> ~/.ssh/config; virtssh doctor qemu/web ${FAILURES}; ${LOGINS}; rm ~/.ssh/config`,
    stdout:
      failed(
        "host key check",
        `ssh cannot ask for host keys: KnownHostsCommand ${words("/tmp/old/virtssh")} says "unknown command known-hosts", with status 2`,
        INSTALL,
      ) + NO_LOGIN,
  },
];

export const KEY_CHECK: readonly Fact[] = [
  {
    name: "StrictHostKeyChecking no, with which ssh goes on where a key has changed",
    run: `${config("Host *\\n  StrictHostKeyChecking off\\n")}; virtssh doctor | grep 'host key check'`,
    stdout: `${BY_VIRTSSH}; StrictHostKeyChecking is no ("/root/.ssh/config" line 2): ssh goes on where a key has changed\n`,
  },
  {
    name: "files of the user's own, in which ssh looks too",
    run: `${config("Host *\\n  UserKnownHostsFile ~/.ssh/a ~/.ssh/b\\n")}; virtssh doctor | ${CHECK}`,
    stdout: `virtssh pins keys by the domain's UUID ${ASKS_AT}; ssh looks in "/root/.ssh/a", "/root/.ssh/b" too\n`,
  },
  {
    name: "a KnownHostsCommand of the user's own",
    run: `${config("Host *\\n  KnownHostsCommand /bin/cat /tmp/pin\\n")}; ${ENV}; virtssh doctor qemu/web | grep -o 'host key.*'; rm ~/.ssh/config`,
    stdout:
      'host key check: by "/bin/cat /tmp/pin" ("/root/.ssh/config" line 2)\nhost key: ssh does not ask virtssh about it\n',
  },
  ...BROKEN,
  SETUP_LOGIN,
];
