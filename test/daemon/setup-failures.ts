// What can go wrong with a user's files: the two lines, and the file as it was.
import { type Fact, failure } from "../lab/facts.ts";
import { alice, aliceAfterRoot, BLOCK, CONFIG, partsOf, SSH, WROTE } from "./setup-steps.ts";

const BY_HAND = "put the block where your ssh reads it; this prints it: virtssh setup --print";

/** alice's config has this line, and has it still when setup has failed. */
const SOME = "echo User carol > .ssh/config";
const SAME = "status=$?; ls -A .ssh | grep virtssh; cat .ssh/config; exit $status";

const REFUSED: readonly Fact[] = [
  alice(
    "a config that cannot be read",
    `${SOME}; chmod 200 .ssh/config; virtssh setup; status=$?; ls .ssh; exit $status`,
    {
      exit: 1,
      stdout: "config\n",
      stderr: failure(`cannot read "${CONFIG}": permission denied (EACCES)`, partsOf(CONFIG)),
    },
  ),
  alice("a config that must not be written", `${SOME}; chmod 400 .ssh/config; virtssh setup; ${SAME}`, {
    exit: 1,
    stdout: "User carol\n",
    stderr: failure(`cannot change "${CONFIG}": its mode forbids writing`, `allow it with: chmod u+w ${CONFIG}`),
  }),
  alice(
    "a config that must not be written, and need not",
    `virtssh setup > log; chmod 400 .ssh/*; virtssh setup | cut -c-13`,
    {
      stdout: "nothing to do\n",
    },
  ),
  alice("a ~/.ssh that cannot be entered", `${SOME}; chmod 0 .ssh; virtssh setup`, {
    exit: 1,
    stderr: failure(`cannot read "${CONFIG}": permission denied (EACCES)`, partsOf(CONFIG)),
  }),
  alice("a ~/.ssh that cannot be written", `${SOME}; chmod 500 .ssh; virtssh setup; ${SAME}`, {
    exit: 1,
    stdout: "User carol\n",
    stderr: failure(`cannot write "${BLOCK}": permission denied (EACCES)`, partsOf(BLOCK)),
  }),
  alice(
    "--remove in a ~/.ssh that cannot be written",
    `virtssh setup > log; chmod 500 .ssh; virtssh setup --remove; status=$?; ls .ssh; exit $status`,
    {
      exit: 1,
      stdout: "config\nvirtssh.conf\n",
      stderr: failure(`cannot write "${CONFIG}": permission denied (EACCES)`, partsOf(CONFIG)),
    },
  ),
  alice("a ~/.ssh that is a file", "rmdir .ssh; echo x > .ssh; virtssh setup; status=$?; cat .ssh; exit $status", {
    exit: 1,
    stdout: "x\n",
    stderr: failure(`cannot read "${CONFIG}": a part of the path is no directory (ENOTDIR)`, partsOf(CONFIG)),
  }),
  alice(
    "a link that leads to itself",
    "ln -s config .ssh/config; virtssh setup; status=$?; readlink .ssh/*; exit $status",
    {
      exit: 1,
      stdout: "config\n",
      stderr: failure(`cannot read "${CONFIG}": too many symbolic links (ELOOP)`, partsOf(CONFIG)),
    },
  ),
  alice(
    "a link that leads nowhere",
    "ln -s ../dots/config .ssh/config; virtssh setup; status=$?; readlink .ssh/*; exit $status",
    {
      exit: 1,
      stdout: "../dots/config\n",
      stderr: failure(
        `cannot use "${CONFIG}": it is a symbolic link to "../dots/config", which is missing`,
        `make what it leads to, or remove the link with: rm ${CONFIG}`,
      ),
    },
  ),
  alice(
    "a ~/.ssh that leads nowhere",
    "rmdir .ssh; ln -s dots .ssh; virtssh setup; status=$?; readlink .ssh; exit $status",
    {
      exit: 1,
      stdout: "dots\n",
      stderr: failure(
        `cannot use "${SSH}": it is a symbolic link to "dots", which is missing`,
        `make what it leads to, or remove the link with: rm ${SSH}`,
      ),
    },
  ),
  ...["mkdir .ssh/config", "mkfifo .ssh/config", "ln -s /dev/null .ssh/config"].map((make) =>
    alice(`not a file: ${make}`, `${make}; virtssh setup; status=$?; ls .ssh; exit $status`, {
      exit: 1,
      stdout: "config\n",
      stderr: failure(`cannot use "${CONFIG}": it is no regular file`, `see what it is with: ls -ld ${CONFIG}`),
    }),
  ),
  alice(
    "a file of 1 MiB is the largest",
    "(echo Host a; head -c 1048500 /dev/zero | tr '\\0' '#') > .ssh/config; virtssh setup | wc -l; virtssh setup --remove | wc -l; head -c 1048577 /dev/zero | tr '\\0' '#' > .ssh/config; virtssh setup",
    {
      exit: 1,
      stdout: "2\n2\n",
      stderr: failure(`cannot use "${CONFIG}": it is larger than 1048576 bytes`, BY_HAND),
    },
  ),
  alice(
    "a virtssh.conf of the user's own",
    "echo '# mine' > .ssh/virtssh.conf; virtssh setup; status=$?; cat .ssh/*; exit $status",
    {
      exit: 1,
      stdout: "# mine\n",
      stderr: failure(
        `cannot write "${BLOCK}": there is one already, which is not setup's`,
        `move it away with: mv ${BLOCK} ${BLOCK}.old`,
      ),
    },
  ),
  ...[CONFIG, BLOCK].map((path) =>
    alice(
      `a lock that one left behind, of ${path}`,
      `${SOME}; touch ${path}.virtssh-new; virtssh setup > log; status=$?; cat .ssh/config; exit $status`,
      {
        exit: 1,
        stdout: "User carol\n",
        stderr: failure(
          `cannot change "${path}": another virtssh setup is at it, and holds "${path}.virtssh-new"`,
          `if none is running, remove what one left behind with: rm ${path}.virtssh-new`,
        ),
      },
    ),
  ),
  ...["a\\b", "a\nb", "a\u001bb"].map((folder) =>
    alice(
      `virtssh in a folder that cannot be written down: ${JSON.stringify(folder)}`,
      `mkdir -p $'/tmp/${JSON.stringify(folder).slice(1, -1)}'; cp /usr/bin/virtssh $'/tmp/${JSON.stringify(folder).slice(1, -1)}'; $'/tmp/${JSON.stringify(folder).slice(1, -1)}/virtssh' setup; status=$?; ls -A .ssh; exit $status`,
      {
        exit: 1,
        stderr:
          /^virtssh: error: cannot name "\/tmp\/a.*b\/virtssh" in ssh's configuration: ssh or a shell would read it differently\nvirtssh: hint: copy virtssh to a path of plain characters, such as \/usr\/local\/bin\/virtssh, and run that\n$/,
      },
    ),
  ),
  alice(
    "virtssh in a folder whose name is no UTF-8",
    "mkdir -p $'/tmp/\\xff'; cp /usr/bin/virtssh $'/tmp/\\xff'; $'/tmp/\\xff/virtssh' setup; status=$?; ls -A .ssh; exit $status",
    {
      exit: 1,
      stderr: /^virtssh: error: cannot name /,
    },
  ),
  alice(
    "virtssh that is no longer where it was",
    "cp /usr/bin/virtssh /tmp/gone; exec 9< /tmp/gone; rm /tmp/gone; exec /proc/self/fd/9 setup",
    {
      exit: 1,
      stderr: failure('cannot read "/proc/self/exe": no such file or directory (ENOENT)', partsOf("/proc/self/exe")),
    },
  ),
  alice("--print and --remove together", "virtssh setup --print --remove", {
    exit: 2,
    stderr: failure(
      "option '--print' cannot be used with option '--remove'",
      "see how it is used with: virtssh setup --help",
    ),
  }),
];

const TMPFS = (options: string) => `mount -t tmpfs -o ${options},uid=1000,gid=1000,mode=700 tmpfs .ssh`;
const UMOUNT = "umount .ssh";

const WITH_ROOT: readonly Fact[] = [
  aliceAfterRoot(
    "a config whose group is not alice's, and may do no more than others",
    {
      root: "echo User carol > .ssh/config; chown alice:root .ssh/config; chmod 644 .ssh/config",
      run: "virtssh setup > log; stat -c '%U %G %a' .ssh/config".replaceAll("'", '"'),
    },
    { stdout: "alice alice 644\n" },
  ),
  aliceAfterRoot(
    "a config whose group is not alice's, and may do more than others",
    {
      root: "echo User carol > .ssh/config; chown alice:root .ssh/config; chmod 640 .ssh/config",
      run: `virtssh setup > log; ${SAME}`,
    },
    {
      exit: 1,
      stdout: "virtssh.conf\nUser carol\n",
      stderr: failure(`cannot write "${CONFIG}": it is not permitted (EPERM)`, partsOf(CONFIG)),
    },
  ),
  aliceAfterRoot(
    "a config that belongs to root",
    { root: "echo User carol > .ssh/config", run: `virtssh setup; ${SAME}` },
    {
      exit: 1,
      stdout: "User carol\n",
      stderr: failure(
        `cannot use "${CONFIG}": it belongs to uid 0, not to uid 1000`,
        `make it yours with: sudo chown 1000 ${CONFIG}`,
      ),
    },
  ),
  aliceAfterRoot(
    "a full disk",
    {
      root: `${TMPFS("size=8k")}; echo User carol > .ssh/config; chown alice: .ssh/config; head -c 1M /dev/zero > .ssh/full 2> /dev/null`,
      run: `virtssh setup; ${SAME}`,
      undo: UMOUNT,
    },
    {
      exit: 1,
      stdout: "User carol\n",
      stderr: failure(`cannot write "${BLOCK}": no space left (ENOSPC)`, `see what is left with: df -h ${SSH}`),
    },
  ),
  aliceAfterRoot(
    "a disk that is full once the block is written",
    {
      root: `${TMPFS("size=16k")}; head -c 4k /dev/zero | tr '\\\\0' '#' > .ssh/config; chown alice: .ssh/config; head -c 4k /dev/zero > .ssh/full`,
      run: "virtssh setup; status=$?; ls .ssh; wc -c < .ssh/config; exit $status",
      undo: UMOUNT,
    },
    {
      exit: 1,
      stdout: `${WROTE}config\nfull\nvirtssh.conf\n4096\n`,
      stderr: failure(`cannot write "${CONFIG}": no space left (ENOSPC)`, `see what is left with: df -h ${SSH}`),
    },
  ),
  aliceAfterRoot(
    "a file system that is read-only",
    {
      root: `${TMPFS("size=16k")}; echo User carol > .ssh/config; chown alice: .ssh/config; mount -o remount,ro .ssh`,
      run: `virtssh setup; ${SAME}`,
      undo: UMOUNT,
    },
    {
      exit: 1,
      stdout: "User carol\n",
      stderr: failure(`cannot write "${BLOCK}": the file system is read-only (EROFS)`, BY_HAND),
    },
  ),
  aliceAfterRoot(
    "a config that is mounted there",
    {
      root: "echo User carol > dots; chown alice: dots; touch .ssh/config; mount --bind dots .ssh/config",
      run: "virtssh setup; status=$?; ls .ssh; cat .ssh/config; exit $status",
      undo: "umount .ssh/config; rm dots",
    },
    {
      exit: 1,
      stdout: `${WROTE}config\nvirtssh.conf\nUser carol\n`,
      stderr: failure(`cannot write "${CONFIG}": something else holds it (EBUSY)`, BY_HAND),
    },
  ),
  aliceAfterRoot(
    "a virtssh.conf that is mounted there",
    {
      root: "as_user alice virtssh setup > /dev/null; cp -p .ssh/virtssh.conf dots; mount --bind dots .ssh/virtssh.conf",
      run: "virtssh setup --remove",
      undo: "umount .ssh/virtssh.conf; rm dots",
    },
    {
      exit: 1,
      stdout: `removed ${CONFIG}\n`,
      stderr: failure(`cannot remove "${BLOCK}": something else holds it (EBUSY)`, BY_HAND),
    },
  ),
];

export const FAILURES: readonly Fact[] = [...REFUSED, ...WITH_ROOT];
