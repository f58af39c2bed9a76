// Files of public keys, good and bad, as the real ssh-keygen makes and reads them: each command that takes keys reads them alike.
import { describe } from "vitest";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";

const FILES = { "/usr/bin/virtssh": "build/test/virtssh" };

const RUN = "cd /tmp/keys; virtssh keys cloud-init";

/** A file beside the good keys, and what is wrong with it. */
const bad = (name: string, make: string, [error, hint]: readonly [string, string]): Fact => ({
  name,
  run: `cd /tmp/keys; ${make}; virtssh keys cloud-init bad`,
  exit: 1,
  stderr: failure(error.replace("FILE", '"bad"'), hint),
});

const noLine = (line: number, words: string): [string, string] => [
  `cannot take line ${line} of FILE: ${words}`,
  "see what ssh makes of it with: ssh-keygen -l -f bad",
];

const badLine = (name: string, make: string, words: string): Fact => bad(name, make, noLine(1, words));

const SETUP: readonly Fact[] = [
  {
    name: "ssh-keygen makes keys of each type",
    run: `mkdir /tmp/keys; cd /tmp/keys
for type in ed25519 rsa ecdsa; do ssh-keygen -q -t $type -N '' -C "$type of mine" -f $type; done
ssh-keygen -q -t ecdsa -b 521 -N '' -f p521; ssh-keygen -q -t rsa -b 1024 -N '' -f small
ssh-keygen -q -t ed25519 -N secret -f locked; ssh-keygen -q -t rsa -m PEM -N '' -f pem
ssh-keygen -q -s ed25519 -I me -n root rsa.pub; chmod a+r *`,
  },
];

const GOOD: readonly Fact[] = [
  {
    name: "every key that ssh-keygen makes is taken",
    run: `${RUN} ed25519.pub rsa.pub ecdsa.pub p521.pub small.pub locked.pub pem.pub | grep -c 'ssh-\\|ecdsa-'`,
    stdout: "7\n",
  },
  {
    name: "options and comments are kept, and blank lines and comments left out",
    run: `cd /tmp/keys; { echo '# mine'; echo; echo "from=\\"10.0.0.0/8\\",no-pty $(< ed25519.pub)"; } | virtssh keys cloud-init - |
  grep -o 'from=.*'`,
    stdout: /^from=\\"10\.0\.0\.0\/8\\",no-pty ssh-ed25519 \S+ ed25519 of mine"\n$/,
  },
];

const PRIVATE = "there is a PRIVATE KEY in FILE: it has been sent nowhere, and must not be";
const HALF = "give its public half, which this prints: ssh-keygen -y -f bad";
const MEANT = "give the keys that are meant, in a file of their own";
const MAKE = "give a file of public keys, as ~/.ssh/id_ed25519.pub is one; make one with: ssh-keygen";

const BAD: readonly Fact[] = [
  bad("a file that is not there", "rm -f bad", [
    "cannot read keys from FILE: no such file or directory (ENOENT)",
    "see what is there with: ls -l bad",
  ]),
  bad("a file of more than a MiB", "yes '#' | head -c 1048577 > bad", [
    "cannot read keys from FILE: it is larger than 1048576 bytes",
    MEANT,
  ]),
  bad(
    "2049 keys",
    `python3 -c 'import base64, struct
for n in range(2049):
    blob = struct.pack(">I11sI32s", 11, b"ssh-ed25519", 32, struct.pack(">I", n))
    print("ssh-ed25519", base64.b64encode(blob).decode())' > bad`,
    ["cannot take so many keys from FILE: 2048 at most", MEANT],
  ),
  bad("a file without a key", "echo '# none yet' > bad", ["cannot find a public key in FILE", MAKE]),
  bad("a private key", "cp ed25519 bad", [PRIVATE, HALF]),
  bad("a private key with a passphrase", "cp locked bad", [PRIVATE, HALF]),
  bad("a private key in PEM", "cp pem bad", [PRIVATE, HALF]),
  bad("a private key behind a public one", "cat ed25519.pub rsa > bad", [PRIVATE, HALF]),
  {
    name: "the public half is what the hint says",
    run: "cd /tmp/keys; cp ed25519 bad; chmod 600 bad; ssh-keygen -y -f bad > half; virtssh keys cloud-init half | grep -c ssh-ed25519",
    stdout: "1\n",
  },
  bad("a public key as RFC 4716 has it", "ssh-keygen -e -f rsa.pub > bad", [
    "cannot take the keys in FILE: they are in the format RFC4716, not in lines of authorized_keys",
    "print them as lines with: ssh-keygen -i -m RFC4716 -f bad",
  ]),
  ...["RFC4716", "PKCS8", "PEM"].map((format) => ({
    name: `a public key in ${format} is one as soon as the hint is followed`,
    run: `cd /tmp/keys; ssh-keygen -e -m ${format} -f rsa.pub > bad
eval "$(virtssh keys cloud-init bad 2>&1 | sed -n 's/.*lines with: //p')" > good; virtssh keys cloud-init good | grep -c ssh-rsa`,
    stdout: "1\n",
  })),
  bad(
    "a line that is no key",
    "{ cat ed25519.pub; echo https://example.org/keys; } > bad",
    noLine(2, "it has no public key"),
  ),
  badLine(
    "options that are none",
    `echo "command=date $(< ed25519.pub)" > bad`,
    "what stands before its key is no list of options, as sshd(8) has them",
  ),
  badLine("a key that is cut short", "head -c 60 ed25519.pub > bad", "its key is damaged"),
  badLine(
    "an escape sequence in a comment",
    `printf '%s \\e[2J\\n' "$(< ed25519.pub)" > bad`,
    "it has characters that are not plain to see",
  ),
  badLine(
    "a certificate",
    "cp rsa-cert.pub bad",
    "it is a certificate, which is shown at a login and never stands in authorized_keys",
  ),
  badLine(
    "a DSA key",
    `python3 -c 'import base64, struct
blob = b"".join(struct.pack(">I", len(one)) + one for one in (b"ssh-dss", b"p" * 128, b"q" * 20, b"g" * 128, b"y" * 128))
print("ssh-dss", base64.b64encode(blob).decode())' > bad`,
    "it is a DSA key, which sshd does not take any more",
  ),
  badLine(
    "a key of a type that there is not",
    "echo 'ssh-foo AAAAB3NzaC1mb28= me' > bad",
    "OpenSSH knows no key of that type",
  ),
  badLine(
    "a quote that does not end",
    `echo "command=\\"date $(< ed25519.pub)" > bad`,
    "there is a quote in its options that does not end",
  ),
  {
    name: "a private key on standard input",
    run: "virtssh keys cloud-init - < /tmp/keys/ed25519",
    exit: 1,
    stderr: failure(
      "there is a PRIVATE KEY in standard input: it has been sent nowhere, and must not be",
      "give its public half, which is in the file of that name with .pub behind it",
    ),
  },
  {
    name: "nothing on standard input",
    run: "virtssh keys cloud-init - < /dev/null",
    exit: 1,
    stderr: failure("cannot find a public key in standard input", MAKE),
  },
];

/** What ssh-keygen says of a line is what we say, but for what it lists and sshd does not take. */
const ALIKE: readonly Fact[] = [
  {
    name: "what is refused as damaged, ssh-keygen does not list either; what is taken, it does",
    run: `cd /tmp/keys; key=$(cut -d' ' -f2 ed25519.pub)
check() { # LINE
  printf '%s\\n' "$1" > line
  if ssh-keygen -l -f line > /dev/null 2>&1; then theirs=yes; else theirs=no; fi
  if virtssh keys cloud-init line > /dev/null 2>&1; then ours=yes; else ours=no; fi
  [ $theirs = $ours ] || echo "ssh-keygen: $theirs, virtssh: $ours: $1"
}
for type in ed25519 rsa ecdsa p521 small; do
  line=$(< $type.pub); check "$line"; check "no-pty $line"; check "\${line% *}"
  for length in 11 20 40 60 75 \${#line}; do check "\${line::length}"; done
  check "\${line/AAAA/AAAB}"; check "\${line/ / x }"
done
check "ssh-rsa $key"; check "ecdsa-sha2-nistp256 $key"; check "ssh-ed25519 AAAA"; check "junk"; check "ssh-ed25519"`,
  },
];

describe("files of public keys", () => {
  testFacts([...SETUP, ...GOOD, ...BAD, ...ALIKE], (steps) => runNative({ files: FILES, steps }));
});
