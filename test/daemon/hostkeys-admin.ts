// Certificates of hosts, and what an administrator has pinned for all users of the machine.
import type { Fact } from "../lab/facts.ts";
import { changed, OTHER_KEY as ONE_CHANGED, REFUSES, SHOWN_RSA, SHOWN_TWO, sshShouts } from "./hostkeys-changes.ts";
import { ONE, pinned, TWO, WEB } from "./hostkeys-lab.ts";

/** The guest has the key `key` and, of it, the certificate by the key `by`. */
const certified = (key: string, by: string) => `guest 7-22 ${key} 'HostCertificate /tmp/keys/${key}-by-${by}-cert.pub'`;

const CERTIFICATES: readonly Fact[] = [
  {
    name: "of a host certificate, the plain key inside it is pinned",
    run: `fresh; ${certified("one", "ca")}; for i in 1 2; do login web.qemu echo in; done; pins`,
    stdout: `in\nin\n${pinned(ONE)}`,
  },
  {
    name: "the same key is known without its certificate, and with another's",
    run: `guest 7-22 one; login web.qemu echo in; ${certified("one", "other-ca")}; login web.qemu echo in; pins`,
    stdout: `in\nin\n${pinned(ONE)}`,
  },
  {
    name: "another key is a change, whoever has certified it",
    run: `${certified("two", "ca")}; login web.qemu echo in; echo $?; pins`,
    stdout: `255\n${pinned(ONE)}`,
    stderr: ONE_CHANGED + sshShouts(SHOWN_TWO) + REFUSES,
  },
  {
    name: "a certificate of a kind that is not known",
    run: `guest 7-22 one; record qemu/web; virtssh known-hosts -- HOSTNAME ssh-mldsa44-cert-v01@openssh.com $(printf '\\0\\0\\0\\040ssh-mldsa44-cert-v01@openssh.com' | base64 -w 0) web.qemu; echo $?`,
    stdout: "1\n",
    stderr: `virtssh: error: cannot read the guest's host certificate of type "ssh-mldsa44-cert-v01@openssh.com"
virtssh: hint: have ssh ask for plain keys alone: see HostKeyAlgorithms in ssh_config(5)
`,
  },
];

const FILE = `/etc/virtssh/hosts/${WEB}`;
const IN_FILE = `in "${FILE}"`;
const EDIT = `sudoedit ${FILE}`;
/** Lines of a file in which each key is written as `$(key NAME)`. */
const admin = (...lines: readonly string[]) =>
  `fresh; mkdir -p /etc/virtssh/hosts; cat > ${FILE} <<END\n${lines.join("\n")}\nEND\n`;
const UNUSED = "made | grep -v lock";
const NOTHING = "700 root d run/virtssh\n";

const refused = (shown: Parameters<typeof sshShouts>[0], what: string) => ({
  stdout: `255\n${NOTHING}`,
  stderr: changed(what, EDIT) + sshShouts(shown) + REFUSES,
});

const OTHER_KEY = refused(SHOWN_TWO, `its ED25519 key on vsock port 22 is not the one that is pinned ${IN_FILE}`);
const OTHER_TYPE = refused(SHOWN_RSA, `it shows its RSA key on vsock port 22, where ED25519 is pinned ${IN_FILE}`);

const ADMIN: readonly Fact[] = [
  {
    name: "a key that the administrator has pinned is known, and nothing is written, for whatever name and port",
    run: `${admin("# of the whole department", "web.example,10.0.0.7 $(key one) a comment")}guest 7-2222 one; login web.qemu echo in; login -p 2222 web.qemu echo in; ${UNUSED}`,
    stdout: `in\nin\n${NOTHING}`,
  },
  {
    name: "all users have the administrator's pins",
    run: `${admin("* $(key one)")}as_user alice bash -c '. /etc/lab/keys.sh; login root@web.qemu echo in'; guest 7-22 two; as_user alice bash -c '. /etc/lab/keys.sh; login root@web.qemu 2> /dev/null echo in'`,
    exit: 255,
    stdout: "in\n",
  },
  {
    name: "a guest that shows another key than the administrator has pinned",
    run: `${admin("web $(key one)")}guest 7-22 two; login web.qemu echo in; echo $?; ${UNUSED}`,
    ...OTHER_KEY,
  },
  {
    name: "a guest that shows a key of another type than the administrator has pinned",
    run: `${admin("web $(key one)")}guest 7-22 rsa; login -o StrictHostKeyChecking=accept-new web.qemu echo in; echo $?; ${UNUSED}`,
    ...OTHER_TYPE,
  },
  {
    name: "the administrator's pins count, though the user has another key pinned",
    run: `fresh; login web.qemu true; cp -r $STATE state; ${admin("* $(key two)")}mkdir -p ~/.local/state; mv state $STATE; guest 7-22 two; login web.qemu echo in; pins`,
    stdout: `in\n${pinned(ONE)}`,
  },
  {
    name: "the administrator's pin of another port does not count",
    run: `${admin('# domain "web", port 2222, first seen 2000-01-01T00:00:00Z, last seen 2000-01-01T00:00:00Z', "* $(key two)")}guest 7-2222 two; login web.qemu echo in; login -p 2222 web.qemu echo in; pins`,
    stdout: `in\nin\n${pinned(ONE)}`,
  },
  {
    name: "a guest whose certificate is by a CA that the administrator has pinned is known, whatever its key",
    run: `${admin("@cert-authority * $(key ca)")}${certified("one", "ca")}; login web.qemu echo in; ${certified("two", "ca")}; login web.qemu echo in; ${UNUSED}`,
    stdout: `in\nin\n${NOTHING}`,
  },
  ...(
    [
      ["a plain key", "guest 7-22 two", "two"],
      ["a certificate by another CA", certified("one", "other-ca"), "one"],
    ] as const
  ).flatMap(([name, guest, key]) =>
    ["ask", "accept-new"].map((checking) => ({
      name: `where a CA is pinned, ${name} is refused, with StrictHostKeyChecking ${checking}`,
      run: `${admin("@cert-authority * $(key ca)")}${guest}; login -o StrictHostKeyChecking=${checking} web.qemu echo in; echo $?; ${UNUSED}`,
      stdout: OTHER_KEY.stdout,
      stderr: OTHER_KEY.stderr
        .replace("<SHA256 of two>", `<SHA256 of ${key}>`)
        .replace("HOSTNAME:1", "HOSTNAME:2")
        .replace("has changed: its", "is not certified: its")
        .replace("is not the one that is pinned", "has no certificate by the authority that is pinned"),
    })),
  ),
  ...(
    [
      ["that has expired", "-n web.qemu -V -2d:-1d", "expired"],
      ["for another name", "-n web.example", "name is not a listed principal"],
    ] as const
  ).map(
    ([name, options, words]): Fact => ({
      name: `where a CA is pinned, a certificate ${name} is refused, by ssh's own words`,
      run: `${admin("@cert-authority * $(key ca)")}cp $K/one.pub $K/bad.pub; ssh-keygen -q -s $K/ca -I lab -h ${options} $K/bad.pub; guest 7-22 one 'HostCertificate /tmp/keys/bad-cert.pub'; login -o StrictHostKeyChecking=accept-new web.qemu echo in; echo $?; ${UNUSED}`,
      stdout: OTHER_KEY.stdout,
      stderr: new RegExp(`^Certificate invalid: ${words}\n[^]*Host key verification failed\\.\n$`),
    }),
  ),
  {
    name: "a key that the administrator has revoked is refused, and any other is pinned",
    run: `${admin("@revoked * $(key one)")}login web.qemu echo in 2>&1 | grep -c REVOKED; ${UNUSED}; guest 7-22 two; login web.qemu echo in; pins`,
    stdout: `1\n${NOTHING}in\n${pinned(TWO)}`,
  },
];

export const ADMINS: readonly Fact[] = [...CERTIFICATES, ...ADMIN];
