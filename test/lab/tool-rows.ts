// What each tool that speaks ssh makes of each form of a guest's name, one row a tool: tools.test.ts tries every cell, and the
// README's table is rendered from the same rows.

/** How a domain's name is written in each form: a column of the table. */
export const FORMS = {
  slash: (name: string) => `qemu/${name}`,
  colon: (name: string) => `qemu:system/${name}`,
  percent: (name: string) => `qemu%${name}`,
  suffix: (name: string) => `${name}.qemu`,
} as const;

export type Form = keyof typeof FORMS;

export type Cell =
  | {
      readonly works: true;
      /** How this tool wants the form to be written, where that is not as in FORMS. */
      readonly written?: (name: string) => string;
    }
  | {
      readonly works: false;
      /** What the tool takes the name for: the table's word. */
      readonly because: string;
      /** What the tool itself says before it fails. */
      readonly stderr: RegExp;
    };

export interface Row extends Readonly<Record<Form, Cell>> {
  /** The tool, as the table shows it. */
  readonly tool: string;
  /**
   * A script for bash that does it with `target`, under what tool-prelude.sh sets: it ends at the first command that fails,
   * starts in an empty folder, has a path in the guest that nobody else uses in `$there`, and can ask the right guest with `guest`.
   */
  readonly run: (target: string) => string;
  /** What the script prints where the tool works, in the guest whose `hostname` is `capital`; nothing unless told. */
  readonly stdout?: string | RegExp;
  /** What it says on stderr where it works; nothing unless told. */
  readonly stderr?: RegExp;
}

const yes: Cell = { works: true };
const everyForm = { slash: yes, colon: yes, percent: yes, suffix: yes } as const;

const no = (because: string, stderr: RegExp): Cell => ({ works: false, because, stderr });
const aPath = (stderr: RegExp): Cell => no("a path on the host", stderr);
/** What comes after is the resolver's own word, which is another where there is a network. */
const aHost = (name: string): Cell =>
  no(`a host \`${name}\``, new RegExp(`^(Cloning .*\n)?ssh: Could not resolve hostname ${name}: `));
const notAUri = (stderr: RegExp): Cell => no("not a URI", stderr);

const CAPITAL = "capital\n";

const SSH: readonly Row[] = [
  { tool: "`ssh`", ...everyForm, run: (target) => `ssh root@${target} hostname`, stdout: CAPITAL },
  {
    tool: "`ssh -L`, `-R`, `-D`",
    ...everyForm,
    // What listens in the guest on port 80 says the guest's name; on the host on port 8003, "host".
    run: (target) => `
      ssh -fNM -S "$PWD/master" -o ExitOnForwardFailure=yes root@${target} \\
        -L 127.0.0.1:8001:127.0.0.1:80 -R 127.0.0.1:8002:127.0.0.1:8003 -D 127.0.0.1:8004
      echo "L: $(socat -u TCP:127.0.0.1:8001 -)"
      echo "R: $(guest socat -u TCP:127.0.0.1:8002 -)"
      echo "D: $(socat -u SOCKS5-CONNECT:127.0.0.1:8004:127.0.0.1:80 -)"
      ssh -S "$PWD/master" -O exit -q guest`,
    stdout: "L: capital\nR: host\nD: capital\n",
  },
  {
    tool: "`ControlMaster`, `ControlPath` with `%C`",
    ...everyForm,
    // The second command could not log in by itself.
    run: (target) => `
      ssh() { command ssh -o ControlPath="$PWD/%C" -o ControlMaster=auto -o ControlPersist=60 "$@" root@${target}; }
      ssh -o RemoteCommand=hostname
      ssh -o RemoteCommand=hostname -o ProxyCommand=false
      ssh -O check 2>&1 | sed 's/=.*/=N)/'
      ssh -O exit 2>&1`,
    stdout: /^capital\ncapital\nMaster running \(pid=N\)\r?\nExit request sent\.\r?\n$/,
  },
  ...["%h", "%n"].map((token): Row => {
    const noFolder = no("no such folder", /^unix_listener: cannot bind to path .*: No such file or dir/);
    return {
      tool: `\`ControlPath\` with \`${token}\``,
      ...{ slash: noFolder, colon: noFolder, percent: yes, suffix: yes },
      run: (target) => `
        ssh() { command ssh -o ControlPath="$PWD/${token}" -o ControlMaster=auto -o ControlPersist=60 "$@" root@${target}; }
        ssh -o RemoteCommand=hostname
        ssh -O exit 2>&1`,
      stdout: /^capital\nExit request sent\.\r?\n$/,
    };
  }),
  {
    tool: "`ssh -J`, a guest as the jump host",
    slash: no("not understood", /^Invalid -J argument\r?\n$/),
    colon: no("not understood", /^Invalid -J argument\r?\n$/),
    percent: { works: true, written: (name) => `qemu%%${name}` },
    suffix: yes,
    run: (target) => `ssh -J root@${target} root@127.0.0.1 hostname`,
    stdout: CAPITAL,
  },
  {
    tool: "`ssh ssh://…`",
    slash: notAUri(/^usage: ssh /),
    colon: notAUri(/^usage: ssh /),
    percent: notAUri(/^usage: ssh /),
    suffix: yes,
    run: (target) => `ssh ssh://root@${target} hostname`,
    stdout: CAPITAL,
  },
  {
    tool: "`ssh-copy-id`",
    ...everyForm,
    run: (target) => `
      ssh-keygen -q -t ed25519 -N '' -f new
      ssh-copy-id -i new.pub root@${target} &> log || { cat log; exit 1; } >&2
      ssh -i new -o IdentitiesOnly=yes root@${target} hostname`,
    stdout: CAPITAL,
  },
];

/** Both take what has a slash before its first colon for a path, and what is before the first colon for a host. */
const scp = {
  slash: aPath(/^cp: cannot (create|stat) .*'root@qemu\/Guest-One:\/srv/),
  colon: aHost("qemu"),
  percent: yes,
  suffix: yes,
} as const;

const FOLDER = `mkdir -p 'a folder/in it'; echo 1 > 'a folder/with a name'; echo 2 > 'a folder/in it/two'`;

const COPIES: readonly Row[] = [
  {
    tool: "`scp` to a guest",
    ...scp,
    run: (target) => `
      echo "to $there" > file
      scp file root@${target}:$there
      guest cat $there | cmp file`,
  },
  { tool: "`scp` from a guest", ...scp, run: (target) => `scp root@${target}:/srv/who got; cat got`, stdout: CAPITAL },
  {
    tool: "`scp -r`",
    ...scp,
    run: (target) => `
      ${FOLDER}
      scp -r 'a folder' root@${target}:$there
      guest tar -c -C $there . | (mkdir back; tar -x --warning=no-timestamp -C back)
      diff -r 'a folder' back`,
  },
  {
    tool: "`scp -O`",
    ...scp,
    run: (target) => `
      echo "to $there" > 'a file'
      scp -O 'a file' root@${target}:$there
      guest cat $there | cmp 'a file'`,
  },
  {
    tool: "`scp scp://…//PATH`",
    slash: aHost("qemu"),
    colon: notAUri(/^scp:\/\/\S+: invalid uri\r?\n$/),
    percent: notAUri(/^scp:\/\/\S+: invalid uri\r?\n$/),
    suffix: yes,
    run: (target) => `scp scp://root@${target}//srv/who got; cat got`,
    stdout: CAPITAL,
  },
  {
    tool: "`sftp`",
    ...{ slash: yes, colon: aHost("qemu"), percent: yes, suffix: yes },
    run: (target) => `
      echo "to $there" > file
      printf '%s\\n' 'get /srv/who got' "put file $there" > batch
      sftp -b batch root@${target} > log
      guest cat $there | cmp file
      cat got`,
    stdout: CAPITAL,
  },
  {
    tool: "`sftp …:PATH`",
    slash: no("the path is part of the name", /^virtssh: error: cannot parse target "qemu\/Guest-One:\/srv\/who": /),
    colon: aHost("qemu"),
    percent: yes,
    suffix: yes,
    run: (target) => `sftp root@${target}:/srv/who got > log; cat got`,
    stdout: CAPITAL,
    stderr: /^Connected to \S+\.\r?\n(\r?Connection closed\.\s+)?$/, // where its ssh is the first of them to end
  },
  {
    tool: "`sftp sftp://…//PATH`",
    slash: aHost("qemu"),
    colon: notAUri(/^usage: sftp /),
    percent: notAUri(/^usage: sftp /),
    suffix: yes,
    run: (target) => `sftp sftp://root@${target}//srv/who got > log; cat got`,
    stdout: CAPITAL,
    stderr: /^Connected to \S+\.\r?\n(\r?Connection closed\.\s+)?$/, // where its ssh is the first of them to end
  },
  {
    tool: "`rsync` to a guest",
    slash: aPath(/^rsync: .* mkdir "\S+\/root@qemu\/Guest-One:\/srv\/\S+" failed: No such file or directory/),
    ...{ colon: aHost("qemu"), percent: yes, suffix: yes },
    run: (target) => `
      ${FOLDER}
      rsync -a 'a folder/' root@${target}:$there
      guest tar -c -C $there . | (mkdir back; tar -x --warning=no-timestamp -C back)
      diff -r 'a folder' back`,
  },
  {
    tool: "`rsync` from a guest",
    slash: aPath(/^rsync: .* change_dir "\S+\/root@qemu\/Guest-One:\/srv" failed: No such file or directory/),
    ...{ colon: aHost("qemu"), percent: yes, suffix: yes },
    run: (target) => `rsync -a root@${target}:/srv/who got; cat got`,
    stdout: CAPITAL,
  },
];

/** A slash before the first colon makes it a path, as in scp. */
const git = {
  slash: aPath(/^fatal: 'root@qemu\/Guest-One:\/srv\/repo\.git' does not appear to be a git repository\n/),
  colon: aHost("qemu"),
  percent: yes,
  suffix: yes,
} as const;

const PROGRAMS: readonly Row[] = [
  {
    tool: "`git clone`",
    ...git,
    run: (target) => `git clone -q root@${target}:/srv/repo.git repo; cat repo/who`,
    stdout: CAPITAL,
  },
  {
    tool: "`git push`",
    ...git,
    run: (target) => `
      git init -q -b main; echo "to $there" > file; git add file; git commit -qm pushed
      git push -q root@${target}:/srv/repo.git HEAD:refs/heads/$(basename $there)
      guest git -C /srv/repo.git show $(basename $there):file | cmp file`,
  },
  {
    tool: "`git clone ssh://…`",
    slash: aHost("qemu"),
    colon: aHost("qemu:system"),
    // git decodes escapes all over the URI.
    percent: { works: true, written: (name) => `qemu%25${name}` },
    suffix: yes,
    run: (target) => `git clone -q ssh://root@${target}/srv/repo.git repo; cat repo/who`,
    stdout: CAPITAL,
  },
  {
    tool: "`ansible`, as a host and as `ansible_host`",
    ...everyForm,
    run: (target) => `
      echo 'alias ansible_host=${target}' > hosts
      ansible --forks 1 -i '${target},' -i hosts all -u root -m raw -a hostname`,
    // Where it opens a master, ssh tells of it at the end.
    stdout:
      /^\S+ \| CHANGED \| rc=0 >>\ncapital\nShared .* closed\.\s+alias \| CHANGED \| rc=0 >>\ncapital\nShared .* closed\.\s+$/,
  },
  {
    tool: '`paramiko.ProxyCommand("virtssh proxy …")`',
    ...everyForm,
    run: (target) => `python3 /etc/lab/login.py 'virtssh proxy ${target} 22' 60`,
    stdout: CAPITAL,
  },
  {
    tool: "`paramiko.SSHConfig` of the drop-in",
    ...everyForm,
    run: (target) => `python3 /etc/lab/login.py "$(python3 /etc/lab/command.py '${target}')" 60`,
    stdout: CAPITAL,
  },
];

export const ROWS: readonly Row[] = [...SSH, ...COPIES, ...PROGRAMS];
