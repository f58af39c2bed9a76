// `virtssh keys cloud-init`: what cloud-init itself makes of what is printed, and of the image; and that there is no half of one.
import { describe } from "vitest";
import { renderDomain } from "../lab/domains.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";

const FILES = { "/usr/bin/virtssh": "build/test/virtssh" };

/** cloud-init's own loader and its own data source: what they find, a line each. */
const READ_META = `import sys
from cloudinit import sources, util
data = util.load_yaml(sys.stdin.read())
print(data["instance-id"])
print("\\n".join(sources.normalize_pubkey_data(data["public-keys"])))
`;
const READ_SEED = `import logging, sys
from cloudinit import distros, helpers
from cloudinit.sources import DataSourceNoCloud
logging.disable()
paths = helpers.Paths({"cloud_dir": sys.argv[1], "run_dir": sys.argv[1] + "/run", "templates_dir": "/etc/cloud/templates"})
distro = distros.fetch("debian")("debian", {}, paths)
source = DataSourceNoCloud.DataSourceNoCloud({"datasource": {"NoCloud": {"fs_label": None}}}, distro, paths)
assert source.get_data()
print(source.get_instance_id())
print("\\n".join(source.get_public_ssh_keys()))
assert source.get_userdata_raw() == b"#cloud-config\\n{}\\n"
`;

const TEXTS = {
  "/etc/lab/read-meta.py": READ_META,
  "/etc/lab/read-seed.py": READ_SEED,
  "/etc/lab/web.xml": renderDomain({ name: "web", vsock: "none", boots: "nothing" }),
};

/** All that YAML has a meaning for, in comments and options. */
const COMMENTS = String.raw`- a: "b" # {c} \\n %d 'e' \tf`;
const KEYS = `mkdir /tmp/seed; cd /tmp/seed
ssh-keygen -q -t ed25519 -N '' -C 'alice@work' -f alice
ssh-keygen -q -t ed25519 -N '' -C ${`'${COMMENTS.replaceAll("'", `'\\''`)}'`} -f bob
printf 'no-pty,command="echo \\\\"hi: #1\\\\", \\xc3\\xbc" %s \\xf0\\x9f\\x90\\x9f\\n' "$(cut -d ' ' -f 1,2 bob.pub)" > odd.pub
chmod 755 .; chmod 644 *.pub
(echo virtssh; cat alice.pub) > alice.wanted; (echo virtssh; cat alice.pub odd.pub) > both.wanted`;

const READ = (wanted: string) => `python3 /etc/lab/read-meta.py | diff - /tmp/seed/${wanted}.wanted`;
/** As the guest would find it: by the label, and the files on it. */
const MOUNTED = (image: string, wanted: string) =>
  `blkid -p -o value -s LABEL -s TYPE ${image} | tr '\\n' ' '; rm -rf /tmp/cloud; mkdir -p /tmp/cloud/seed /tmp/cloud/run; xorriso -no_rc -osirrox on -indev ${image} -extract / /tmp/cloud/seed/nocloud 2> /dev/null; python3 /etc/lab/read-seed.py /tmp/cloud | diff - /tmp/seed/${wanted}.wanted`;
const FOUND = "CIDATA iso9660 ";

/** A PATH with these programs alone. */
const only = (...programs: readonly string[]) =>
  `mkdir -p /tmp/only; rm -f /tmp/only/*; for program in ${["virtssh", ...programs].join(" ")}; do ln -s $(command -v $program) /tmp/only/; done; PATH=/tmp/only`;

const ISO = "virtssh keys cloud-init --iso";
const made = (path: string) =>
  new RegExp(
    `^made the seed image ${path}\n256 SHA256:\\S{43} alice@work \\(ED25519\\)\ngive it to a guest with: virsh attach-disk DOMAIN ${path} vdz --mode readonly --config\n$`,
  );

const PRINTED: readonly Fact[] = [
  { name: "keys that YAML could misread", run: KEYS },
  {
    name: "cloud-init's loader finds these lines in what is printed",
    user: "alice",
    run: `virtssh keys cloud-init /tmp/seed/alice.pub /tmp/seed/odd.pub /tmp/seed/alice.pub | ${READ("both")}; virtssh keys cloud-init - < /tmp/seed/alice.pub | ${READ("alice")}; virtssh keys cloud-init /tmp/seed/bob.pub | grep -c '#'`,
    stdout: "1\n",
  },
  {
    name: "it is YAML to read",
    run: "virtssh keys cloud-init --instance-id web-2 /tmp/seed/alice.pub",
    stdout: /^instance-id: "web-2"\npublic-keys:\n {2}- "ssh-ed25519 \S{68} alice@work"\n$/,
  },
  {
    name: "an instance-id that is a path",
    run: "virtssh keys cloud-init --instance-id ../a /tmp/seed/alice.pub",
    exit: 2,
    stderr: failure(
      'an instance-id has letters, digits, dots, hyphens and underscores, 64 at most: not "../a"',
      "see how it is used with: virtssh keys cloud-init --help",
    ),
  },
];

const IMAGES: readonly Fact[] = [
  {
    name: "an image of xorriso's, which cloud-init's data source reads",
    run: `cd /tmp/seed; ${ISO} seed.iso alice.pub; ${MOUNTED("/tmp/seed/seed.iso", "alice")}; ls -l | grep -c iso; stat -c %a seed.iso`,
    stdout: new RegExp(`${made("/tmp/seed/seed.iso").source.slice(0, -1)}${FOUND}1\n644\n$`),
  },
  {
    name: "it takes the place of an older one, which whoever has it open keeps",
    run: `cd /tmp/seed; exec 9< seed.iso; before=$(sha256sum seed.iso); ${ISO} ./seed.iso alice.pub odd.pub > /dev/null; [[ "$(sha256sum seed.iso)" != "$before" && "$(sha256sum <&9)" == "\${before% *} -" ]] && ${MOUNTED("/tmp/seed/seed.iso", "both")}`,
    stdout: FOUND,
  },
  ...["genisoimage", "mkisofs"].map((program) => ({
    name: `an image of ${program}'s`,
    run: `cd /tmp/seed; (${program === "mkisofs" ? "mkdir -p /tmp/mk; ln -sf $(command -v genisoimage) /tmp/mk/mkisofs; PATH=$PATH:/tmp/mk; " : ""}${only(program)} ${ISO} '/tmp/seed/a=b\\c ${program}.iso' alice.pub odd.pub > /dev/null); ${MOUNTED(`'/tmp/seed/a=b\\c ${program}.iso'`, "both")}`,
    stdout: FOUND,
  })),
  {
    name: "a guest is given it as the hint says",
    run: `virsh -q define /etc/lab/web.xml; cd /tmp/seed; $(${ISO} seed.iso alice.pub | sed -n 's/^give it to a guest with: //p' | sed s/DOMAIN/web/) && virsh dumpxml --inactive web | grep "seed.iso\\|vdz\\|readonly\\|scsi"`,
    stdout: /\n.*file='\/tmp\/seed\/seed\.iso'\/>\n.*dev='vdz' bus='virtio'\/>\n.*<readonly\/>\n$/,
  },
  {
    name: "a symbolic link stays one, and a file that is empty is filled",
    user: "bob",
    run: `cd; : > target.iso; ln -s target.iso link.iso; ${ISO} link.iso /tmp/seed/alice.pub; stat -c %F link.iso target.iso; ls`,
    stdout: new RegExp(
      `${made("/home/bob/target.iso").source.slice(0, -1)}symbolic link\nregular file\nlink.iso\ntarget.iso\n$`,
    ),
  },
  {
    name: "a name that begins with a hyphen",
    user: "bob",
    run: `cd; virtssh keys cloud-init --iso=-o.iso /tmp/seed/alice.pub; rm -- *; ls`,
    stdout: made("/home/bob/-o\\.iso"),
  },
];

const nothing = (folder: string) => `ls -A ${folder}`;
const cannotMake = (path: string, why: string) =>
  failure(
    `cannot make the seed image "${path}": ${why}`,
    why.includes("ENOSPC")
      ? "see what is left with: df -h /tmp/full"
      : `see the owner and the mode of each part of the path with: namei -l ${path}`,
  );

const REFUSED: readonly Fact[] = [
  {
    name: "an image where a directory is",
    run: `${ISO} /tmp/seed alice.pub < /dev/null; ${ISO} /tmp/seed /tmp/seed/alice.pub`,
    exit: 1,
    stderr: /"alice.pub"[\s\S]*cannot make the seed image "\/tmp\/seed": it is a directory \(EISDIR\)/,
  },
  {
    name: "an image where another file is",
    run: `cd /tmp/seed; cp alice.pub disk.qcow2; ${ISO} disk.qcow2 alice.pub; status=$?; cmp alice.pub disk.qcow2; mkfifo fifo; ${ISO} fifo alice.pub; exit $status`,
    exit: 1,
    stderr: ["disk.qcow2", "fifo"]
      .map((path) =>
        failure(
          `cannot write "${path}": there is something else already, which is no seed image`,
          `give it another name, or move that away with: mv ${path} ${path}.old`,
        ),
      )
      .join(""),
  },
  {
    name: "an image in a directory of somebody else's",
    user: "alice",
    run: `${ISO} /tmp/seed/no.iso /tmp/seed/alice.pub; ${ISO} /tmp/nowhere/no.iso /tmp/seed/alice.pub`,
    exit: 1,
    stderr: `${cannotMake("/tmp/seed/no.iso", "permission denied (EACCES)")}${cannotMake("/tmp/nowhere/no.iso", "no such file or directory (ENOENT)")}`,
  },
  {
    name: "a private key, and nothing is written",
    run: `cd /tmp/seed; ${ISO} no.iso alice; status=$?; virtssh keys cloud-init alice.pub bob 2>&1 | grep -c PRIVATE; ls no.iso*; exit $status`,
    exit: 1,
    stdout: "1\n",
    stderr: /PRIVATE KEY[\s\S]*no\.iso\*/,
  },
  {
    name: "an image that is killed in the making leaves the older one as it was, and is not in the way of the next",
    run: `mkdir -p /tmp/slow /tmp/old; cp /tmp/seed/seed.iso /tmp/old/; cd /tmp/old; sha256sum seed.iso > /tmp/sum
printf '#!/bin/bash\nread -rt 9 <> <(:)' > /tmp/slow/xorriso; chmod +x /tmp/slow/xorriso
PATH=/tmp/slow:$PATH ${ISO} seed.iso /tmp/seed/odd.pub & until [ -e seed.iso.virtssh-1/user-data ]; do sleep 0.05; done; kill -KILL $!; wait $! 2> /dev/null
sha256sum --quiet -c /tmp/sum && ${ISO} seed.iso /tmp/seed/odd.pub | head -n 1; stat -c '%n %a' *`,
    stdout: "made the seed image /tmp/old/seed.iso\nseed.iso 644\nseed.iso.virtssh-1 700\n",
  },
  {
    name: "no program that makes images",
    run: `(${only()} ${ISO} /tmp/seed/no.iso /tmp/seed/alice.pub); status=$?; ls /tmp/seed/no.iso*; exit $status`,
    exit: 1,
    stderr: new RegExp(
      `^${failure("cannot make a seed image: there is none of xorriso, genisoimage, mkisofs", "install the package xorriso or genisoimage")}ls: `,
    ),
  },
  {
    name: "a full disk, as xorriso has it: nothing is left",
    run: `mkdir /tmp/full; mount -t tmpfs -o size=200k tmpfs /tmp/full; ${ISO} /tmp/full/seed.iso /tmp/seed/alice.pub; status=$?; ${nothing("/tmp/full")}; exit $status`,
    exit: 1,
    stderr:
      /^virtssh: error: cannot make the seed image "\/tmp\/full\/seed.iso": xorriso has failed: "xorriso : FAILURE : Image size .* exceeds free space on media .*"\nvirtssh: hint: see whether any room is left with: df -h \/tmp\/full\n$/,
  },
  {
    name: "a full disk, as genisoimage has it",
    run: `(${only("genisoimage")} ${ISO} /tmp/full/seed.iso /tmp/seed/alice.pub); status=$?; ${nothing("/tmp/full")}; exit $status`,
    exit: 1,
    stderr:
      /genisoimage has failed: "genisoimage: No space left on device\. .*"\nvirtssh: hint: see whether any room is left with: df -h \/tmp\/full\n$/,
  },
  {
    name: "a full disk, after the image was made: the older one is as it was",
    run: `umount /tmp/full; mount -t tmpfs -o size=900k tmpfs /tmp/full; ${ISO} /tmp/full/seed.iso /tmp/seed/alice.pub > /dev/null; sha256sum /tmp/full/seed.iso > /tmp/sum; ${ISO} /tmp/full/seed.iso /tmp/seed/odd.pub; status=$?; sha256sum --quiet -c /tmp/sum; ${nothing("/tmp/full")}; exit $status`,
    exit: 1,
    stdout: "seed.iso\n",
    stderr: cannotMake("/tmp/full/seed.iso", "no space left (ENOSPC)"),
  },
  {
    name: "a full disk, before anything was made",
    run: `cat /dev/zero > /tmp/full/zero 2> /dev/null; ${ISO} /tmp/full/new.iso /tmp/seed/alice.pub; status=$?; ${nothing("/tmp/full")}; umount /tmp/full; exit $status`,
    exit: 1,
    stdout: "seed.iso\nzero\n",
    stderr: cannotMake("/tmp/full/new.iso", "no space left (ENOSPC)"),
  },
  {
    name: "a program that makes no image",
    run: `mkdir /tmp/liar; printf '#!/bin/bash\\nwhile [ "$1" != -o ]; do shift; done; echo nonsense > "$2"' > /tmp/liar/xorriso; chmod +x /tmp/liar/xorriso; PATH=/tmp/liar:$PATH ${ISO} /tmp/seed/no.iso /tmp/seed/alice.pub; status=$?; ls /tmp/seed | grep -c 'no.iso'; exit $status`,
    exit: 1,
    stdout: "0\n",
    stderr: failure(
      'cannot make the seed image "/tmp/seed/no.iso": xorriso has failed: "no seed image came of it"',
      "see whether any room is left with: df -h /tmp/seed",
    ),
  },
];

describe("virtssh keys cloud-init", () => {
  testFacts([...PRINTED, ...IMAGES, ...REFUSED], (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
