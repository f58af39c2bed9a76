// Tab, in the real shells, each on a terminal of its own, beside a real libvirtd.
import { describe } from "vitest";
import { renderDomain } from "../lab/domains.ts";
import { type Fact, testFacts } from "../lab/facts.ts";
import { INSTALLED } from "../lab/installed.ts";
import { runNative } from "../lab/lab.ts";

const FILES = {
  ...INSTALLED,
  "/etc/lab/press-tab.py": "test/daemon/press-tab.py",
  "/etc/bash_completion.d/virtssh": "packaging/completion/virtssh.bash",
  "/etc/lab/zsh-functions/_virtssh": "packaging/completion/virtssh.zsh",
};

/** Each begins in its own way, so that one Tab tells which is meant. */
const NAMES = ["web", "Capital", "my vm", "-rf", "it's", "a.b.example", "B\u00fccher", "qemu-ga"];

const ZSHRC = "bindkey -e; PS1='> '; autoload -Uz compinit; compinit -u\n";

const TEXTS = {
  ...Object.fromEntries(
    NAMES.map((name, index) => [`/etc/lab/${index}.xml`, renderDomain({ name, vsock: "none", boots: "nothing" })]),
  ),
  "/etc/lab/off.xml": renderDomain({ name: "off", vsock: "none", boots: "nothing" }),
  "/root/.ssh/config": "Host hosting\nHost webmaster\n",
  "/etc/lab/files/file-1": "",
  "/etc/lab/files/web-page": "",
  "/etc/lab/plain.bashrc": "source <(virtssh completion bash)\n",
  "/etc/lab/late.bashrc": "source <(virtssh completion bash)\nsource /usr/share/bash-completion/bash_completion\n",
  "/etc/lab/old.bashrc": `complete -W "words of my own" ssh
_my_scp() { COMPREPLY=(mine:); }
complete -o nospace -F _my_scp scp
source <(virtssh completion bash)
`,
  // Before 2.12.
  "/etc/lab/older.bashrc": `__load_completion() {
  [[ $1 == ssh ]] || return 1
  _ssh() { COMPREPLY=($(compgen -W some.host -- "$2")); }
  complete -F _ssh ssh
}
source <(virtssh completion bash)
`,
  "/etc/lab/zsh/.zshrc": `${ZSHRC}source <(virtssh completion zsh)\n`,
  "/etc/lab/zsh-fpath/.zshrc": `fpath=(/etc/lab/zsh-functions $fpath)\n${ZSHRC}`,
  "/etc/lab/bin/ssh": "#!/bin/sh\necho /remote/\n",
  "/etc/lab/bin/scp": "#!/bin/sh\n",
  "/etc/lab/fish/fish/config.fish": "virtssh completion fish | source\n",
};

const SETUP: readonly Fact[] = [
  {
    name: "guests run",
    run: `${NAMES.map((_, index) => `virsh -q create /etc/lab/${index}.xml`).join("\n")}\nvirsh -q define /etc/lab/off.xml`,
  },
];

const WITH_COMPLETION = "bash --rcfile /usr/share/bash-completion/bash_completion -i";

/** A terminal of no kind, so that what it shows is what is in the line; and an ssh that lists remote files. */
const ENVIRONMENT = `cd /etc/lab/files; chmod +x /etc/lab/bin/*
export LC_ALL=C.UTF-8 TERM=dumb PS1='> ' ZDOTDIR=/etc/lab/zsh XDG_CONFIG_HOME=/etc/lab/fish PATH=/etc/lab/bin:$PATH`;

/** One run of a shell: what is typed, and what Tab makes of it. */
function press(name: string, shell: string, lines: Readonly<Record<string, string>>): Fact {
  const typed = Object.keys(lines).map((line) => `${line}\n`);
  return {
    name,
    run: `${ENVIRONMENT}
python3 /etc/lab/press-tab.py ${shell} <<'END'\n${typed.join("")}END`,
    stdout: Object.values(lines)
      .map((line) => `${line}\n`)
      .join(""),
  };
}

/** What every shell makes of these. */
const ANYWHERE = {
  "virtssh reso": "virtssh resolve ",
  "virtssh resolve --js": "virtssh resolve --json ",
  "virtssh resolve we": "virtssh resolve web.qemu ",
  "virtssh resolve qemu:system/we": "virtssh resolve qemu:system/web ",
  "virtssh completion f": "virtssh completion fish ",
  "virtssh enable of": "virtssh enable off.qemu ",
  "virtssh keys add --user r": "virtssh keys add --user root ",
  "virtssh keys add we": "virtssh keys add web.qemu ",
  "virtssh keys add qemu/web fi": "virtssh keys add qemu/web file-1 ",
  "virtssh keys cloud-init --iso /etc/lab/files/fi": "virtssh keys cloud-init --iso /etc/lab/files/file-1 ",
  "ssh Cap": "ssh Capital.qemu ",
  "ssh root@Cap": "ssh root@Capital.qemu ",
  "ssh root@qemu/we": "ssh root@qemu/web ",
  "ssh root@qemu:system/we": "ssh root@qemu:system/web ",
  "ssh -v qemu%we": "ssh -v qemu%web ",
  "ssh my": "ssh my%20vm.qemu ",
  "ssh qemu/-": "ssh qemu/-rf ",
  "ssh it": "ssh it%27s.qemu ",
  "ssh a.b": "ssh a.b.example.qemu ",
  "ssh B": "ssh B\u00fccher.qemu ",
  "ssh host": "ssh hosting ",
  "sftp root@Cap": "sftp root@Capital.qemu ",
  "scp file-1 Cap": "scp file-1 Capital.qemu:",
  "scp file-1 root@qemu%Cap": "scp file-1 root@qemu%Capital:",
  "scp fi": "scp file-1 ",
  "scp file-1 host": "scp file-1 hosting:",
  "rsync -avP file-1 Cap": "rsync -avP file-1 Capital.qemu:",
  "scp web.qemu:/re": "scp web.qemu:/remote/",
};

/** zsh takes the space away again that it puts after a word, when the line goes on with anything but a letter. */
function withoutSpaces(lines: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(lines).map(([typed, made]) => [typed, made.trimEnd()]));
}

const TABS: readonly Fact[] = [
  press("bash with bash-completion", WITH_COMPLETION, {
    ...ANYWHERE,
    "ssh we": "ssh web", // web.qemu and webmaster
    "ssh -J Cap": "ssh -J Capital.qemu ",
    "ssh -J hosting,Cap": "ssh -J hosting,Capital.qemu ",
    "ssh -i fi": "ssh -i file-1 ",
    "ssh web.qemu prin": "ssh web.qemu print",
    "ssh -o Prox": "ssh -o Proxy",
    "scp web": "scp web", // web.qemu:, webmaster: and web-page
    "ssh of": "ssh of",
    "virtssh resolve of": "virtssh resolve of",
    "sudo ssh Cap": "sudo ssh Capital.qemu ",
    "/usr/bin/ssh Cap": "/usr/bin/ssh Capital.qemu ",
  }),
  press("bash, where we come before bash-completion", "bash --rcfile /etc/lab/late.bashrc -i", {
    "rsync fi": "rsync file-1 ",
    "rsync Cap": "rsync Capital.qemu:",
    ...ANYWHERE,
  }),
  press("bash without bash-completion", "bash --rcfile /etc/lab/plain.bashrc -i", {
    ...ANYWHERE,
    "scp web.qemu:/re": "scp web.qemu:/re",
    "ssh host": "ssh host",
    "scp file-1 host": "scp file-1 host",
    "scp web": "scp web-page ",
    "ssh -i fi": "ssh -i file-1 ",
  }),
  press("bash where somebody has other ideas of ssh and scp", "bash --rcfile /etc/lab/old.bashrc -i", {
    "ssh wor": "ssh words ",
    "ssh Cap": "ssh Cap",
    "scp mi": "scp mine:",
  }),
  press("bash with a bash-completion of other names", "bash --rcfile /etc/lab/older.bashrc -i", {
    "ssh some": "ssh some.host ",
    "ssh Cap": "ssh Capital.qemu ",
    "scp Cap": "scp Capital.qemu:",
  }),
  press("zsh", "zsh -i", {
    ...withoutSpaces(ANYWHERE),
    "sftp root@Cap": "sftp root@Capital.qemu:",
    "scp web.qemu:/re": "scp web.qemu:/remote",
    "ssh webm": "ssh webmaster",
    "scp web-": "scp web-page",
    "ssh -i fi": "ssh -i file-1",
    "ssh of": "ssh of",
  }),
  press("zsh, of virtssh itself, where its script lies in fpath", "env ZDOTDIR=/etc/lab/zsh-fpath zsh -i", {
    "virtssh reso": "virtssh resolve",
    "virtssh resolve Cap": "virtssh resolve Capital.qemu",
  }),
];

/** The same in fish, by its own command for it, which gives the last word. */
const FISH: Fact = {
  name: "fish",
  run: `${ENVIRONMENT}
fish -c 'while read -l line; complete -C "$line" | string replace -r "\\t.*" ""; end' <<'END'
${Object.keys(ANYWHERE).join("\n")}
END`,
  stdout: Object.values(ANYWHERE)
    .map((line) => `${line.trimEnd().split(" ").at(-1)}\n`)
    .join(""),
};

/** What the scripts run must not be felt by whoever is typing. */
const QUIET: readonly Fact[] = [
  {
    name: "an ordinary user's Tab finds the system's guests, and starts no daemon",
    user: "alice",
    run: "virtssh complete -- resolve we; pgrep -u alice 'libvirtd|virtqemud'",
    exit: 1,
    stdout: "web.qemu\tqemu:///system\n",
  },
  {
    name: "a daemon that hangs holds nobody up",
    run: "kill -STOP $(pidof libvirtd); timeout 5 virtssh complete -- resolve we; status=$?; kill -CONT $(pidof libvirtd); exit $status",
  },
  {
    name: "where there is no daemon nothing is said",
    run: "kill $(pidof libvirtd); while pidof -q libvirtd; do sleep 0.1; done; virtssh complete -- resolve we",
  },
];

describe("Tab completes guests, and whatever else was completed", () => {
  testFacts([...SETUP, ...TABS, FISH, ...QUIET], (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
