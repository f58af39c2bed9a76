// Every example of virtssh-guest(7) works: what a reader sees in the page, and would copy, is run in the box, which is its own guest, at
// CID 1. Those of virtssh(1) are in test/packages/man-examples.test.ts.
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readExamples } from "../packages/man-page.ts";
import { renderDomain } from "./domains.ts";
import { type Fact, testFacts } from "./facts.ts";
import { INSTALLED } from "./installed.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

const { commands, files } = readExamples("virtssh-guest.7");
const [DEVICE = "", LIMITS = ""] = files;

const UNITS = "/usr/lib/systemd/system";

const FILES = {
  ...INSTALLED,
  ...Object.fromEntries(
    readdirSync("guest/systemd")
      .filter((name) => !name.endsWith(".preset"))
      .map((name) => [`${UNITS}/${name}`, `guest/systemd/${name}`]),
  ),
};

const TEXTS = {
  "/etc/lab/web.xml": renderDomain({ name: "web", vsock: "none", boots: "nothing" }).replace(
    "<memballoon",
    `${DEVICE}<memballoon`,
  ),
  "/etc/lab/limits.conf": LIMITS,
  ...Object.fromEntries(commands.map(({ text }, index) => [`/etc/lab/page/command-${index + 1}`, `${text}\n`])),
};

/** What is done around an example, by its command. */
interface Row {
  readonly before?: string;
  /** What runs it, where it is not run to its end. */
  readonly run?: (command: string) => string;
  readonly after?: string;
  readonly stdout?: string | RegExp;
  readonly stderr?: string | RegExp;
}

/** A login by vsock has an sshd that says its name. */
const ANSWERS = "virtssh wait --timeout 30 vsock/1 && virtssh proxy vsock/1 < /dev/null | head -c 8; echo";
const ANSWERED = "SSH-2.0-\n";
const LISTENS = /^Netid[^\n]*\n(?:.*\n)*v_str +LISTEN .*\*:22 .*\n/;
/** Of an sshd that nobody has logged in to, and of its own end. */
const SOCAT_TELLS = /^(?:.* socat\[\d+\] W .*\n)*$/;
const LINKED = /^(?:Created symlink .*\n)*$/;

const ROWS: Readonly<Record<string, Row>> = {
  "ss -l --vsock": {
    before: "systemctl start sshd-vsock.socket",
    after: "systemctl stop sshd-vsock.socket",
    stdout: LISTENS,
  },
  "journalctl -b -g ssh": { before: "journalctl --sync", stdout: /sshd-vsock\.socket/ },
  "socat VSOCK-LISTEN:22,fork EXEC:'/usr/sbin/sshd -i',nofork": {
    before: "mkdir -p /run/sshd",
    run: (command) => `(${command}) & listener=$!`,
    after: `${ANSWERS}; pkill -P $listener`,
    stdout: ANSWERED,
    stderr: SOCAT_TELLS,
  },
  "systemctl enable --now sshd-vsock.socket": { after: ANSWERS, stdout: ANSWERED, stderr: LINKED },
  "systemctl daemon-reload": {
    before: "install -D -m 644 /etc/lab/limits.conf /etc/systemd/system/sshd-vsock.socket.d/limits.conf",
  },
  "systemctl restart sshd-vsock.socket": {
    after: `systemctl show -p MaxConnections sshd-vsock.socket; ${ANSWERS}`,
    stdout: `MaxConnections=200\n${ANSWERED}`,
  },
  "systemctl enable --now virtssh-vsock-forward.service": {
    before: "mkdir -p /run/sshd; /usr/sbin/sshd",
    after: `${ANSWERS}; systemctl is-active virtssh-vsock-forward.service sshd-vsock.socket || true`,
    stdout: `${ANSWERED}active\ninactive\n`,
    stderr: LINKED,
  },
};

const SETUP: readonly Fact[] = [
  {
    name: "a domain with the device starts, and has a CID",
    run: "virsh -q define /etc/lab/web.xml && virsh -q start web && virtssh resolve qemu/web | grep ^cid",
    stdout: /^cid: +\d+\n$/,
  },
  {
    name: "the generator makes no socket here",
    run: `systemctl stop sshd-vsock.socket 2> /dev/null
install -d /etc/systemd/system-generators; ln -s /dev/null /etc/systemd/system-generators/systemd-ssh-generator
systemctl daemon-reload; systemctl show -p FragmentPath sshd-vsock.socket`,
    stdout: `FragmentPath=${UNITS}/sshd-vsock.socket\n`,
  },
];

function makeFacts(): readonly Fact[] {
  return commands.map(({ text }, index) => {
    const { before = "", run, after = "", stdout = "", stderr = "" }: Row = ROWS[text] ?? {};
    const command = `. /etc/lab/page/command-${index + 1}`;
    const steps = [before, run === undefined ? `${command} || exit` : run(command), after];
    return {
      name: `# ${text}`,
      run: steps.filter((step) => step !== "").join("\n"),
      timeoutSeconds: 60,
      stdout,
      stderr,
    };
  });
}

describe("virtssh-guest(7), EXAMPLES", () => {
  test("each is run, as root, and no other", () => {
    expect(commands.map(({ text }) => text).sort()).toEqual(Object.keys(ROWS).sort());
    expect(commands.every(({ prompt }) => prompt === "#")).toBe(true);
    expect(files.length).toBe(2);
  });

  testFacts([...SETUP, ...makeFacts()], (steps) => runInBox({ files: FILES, texts: TEXTS, steps }, toStderr));
});
