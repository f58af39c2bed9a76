// `virtssh list` beside a real libvirtd, whose guests' sshd are stand-ins; and of hundreds of guests, of a fake one.
import { describe, expect, test } from "vitest";
import { FakeLibvirtd, PROC } from "../fakes/fake-libvirtd.ts";
import { keepPrinted } from "../fixtures/printed.ts";
import { findSchemaErrors } from "../fixtures/schemas.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { type Outcomes, runNative } from "../lab/lab.ts";
import { GRANTS, GUEST_TEXTS, renderGuest } from "./guests-with-cid.ts";
import { ManyGuests, makeDomains, type Way } from "./many-guests.ts";

/** The second is as it ships, for which the lab has no AF_VSOCK at all. */
const FILES = {
  "/usr/bin/virtssh": "build/test/virtssh",
  "/usr/local/bin/shipped": "build/virtssh",
  "/etc/lab/guest.py": "test/fakes/guest.py",
};

const UUID = "11111111-2222-4333-8444-aabbccddeeff";
/** Six characters, of which two are wide, and one takes no room. */
const WIDE = "Bu\u0308ro\u65e5\u672c";

/** Runs a program on a terminal of its own, and prints what came of it. */
const ON_TERMINAL = `import os, pty, sys
status = pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 1024))
sys.exit(os.waitstatus_to_exitcode(status))
`;

const TEXTS = {
  ...GUEST_TEXTS,
  "/etc/lab/on-terminal.py": ON_TERMINAL,
  "/etc/lab/web.xml": renderGuest({ name: "web10", uuid: UUID, vsock: 7 }),
  "/etc/lab/other.xml": renderGuest({ name: "web2", vsock: 8 }),
  "/etc/lab/wide.xml": renderGuest({ name: WIDE, vsock: 9 }),
  "/etc/lab/plain.xml": renderGuest({ name: "plain", vsock: "none" }),
  "/etc/lab/off.xml": renderGuest({ name: "off", vsock: 10 }),
  "/etc/lab/mine.xml": renderGuest({ name: "mine", vsock: 11 }),
};

const ENV = "export VIRTSSH_TEST_VSOCK=/tmp/vsock";
const SOCKET = "/run/libvirt/libvirt-sock-ro";

const SETUP: readonly Fact[] = [
  ...GRANTS,
  {
    name: "guests run",
    run: `for name in web other wide plain off; do virsh -q define /etc/lab/$name.xml; done
for name in web10 web2 ${WIDE} plain; do virsh -q start $name; done; virsh -q suspend ${WIDE}`,
  },
  { name: "bob's guest runs", user: "bob", run: "virsh -q define /etc/lab/mine.xml; virsh -q start mine" },
  {
    name: "one answers, one does not listen, and bob's says nothing",
    run: `mkdir -m 777 /tmp/vsock; cd /tmp/vsock
for guest in "7-22 greets" "11-22 says nothing"; do setsid python3 /etc/lab/guest.py \${guest%% *} "\${guest#* }" > /tmp/said 2>&1 & until [[ -S \${guest%% *} ]]; do sleep 0.05; done; done
touch 8-22; chmod 666 *`,
  },
  {
    name: "a key of web10's is pinned for root",
    run: `mkdir -p -m 700 ~/.local/state/virtssh/hosts; (umask 077; echo "* $(cut -d' ' -f1,2 /lab/id.pub)" > ~/.local/state/virtssh/hosts/${UUID})`,
  },
];

/** Has TIME in place of what changes. */
const list = (words = "") => `${ENV}; virtssh list ${words} | sed -E 's/[0-9-]{10} [0-9:]{5} UTC/TIME/'`;

const TABLES: readonly Fact[] = [
  {
    name: "root sees the system's guests that run",
    run: list(),
    stdout: `DOMAIN    SCOPE   STATE    CID  SSH      SINCE                 HOST KEY
${WIDE}  system  paused   9    -        TIME  -
plain     system  running  -    -        TIME  -
web2      system  running  8    refused  TIME  -
web10     system  running  7    answers  TIME  pinned
`,
  },
  {
    name: "and those that are shut off, with --all",
    run: `${list("--all --no-probe")} | grep -n off`,
    stdout: "3:off       system  shut off  -    -    -                     -\n",
  },
  {
    name: "alice sees the same, but for root's pins",
    user: "alice",
    run: `${list()} | grep -c 'TIME  -$'`,
    stdout: "4\n",
  },
  {
    name: "bob sees his own, too",
    user: "bob",
    run: `${list()} | tail -n 1`,
    stdout: "mine      session  running  11   mute     TIME  -\n",
  },
  {
    name: "the examples of its help work",
    run: `${ENV}; virtssh list --help | grep -o '^  virtssh list.*' | tee /tmp/examples | wc -l; bash -e /tmp/examples | wc -l`,
    stdout: "2\n7\n",
  },
  {
    name: "a terminal has colours",
    run: `${ENV}; TERM=xterm python3 /etc/lab/on-terminal.py virtssh list | grep -c "$(printf '\\033\\\\[32manswers\\033\\\\[0m')"`,
    stdout: "1\n",
  },
  {
    name: "a terminal has none with NO_COLOR",
    run: `${ENV}; TERM=xterm NO_COLOR=1 python3 /etc/lab/on-terminal.py virtssh list | grep -c "$(printf '\\033')"`,
    exit: 1,
    stdout: "0\n",
  },
];

const KNOWN = `${ENV}; virtssh list --json`;

const JSONS: readonly Fact[] = [
  { name: "root's guests as JSON", run: `${KNOWN} --all`, stdout: /^\[\{"uri":"qemu:\/\/\/system","name":"B/ },
  { name: "bob's guests as JSON", user: "bob", run: KNOWN, stdout: /"name":"mine".*"ssh":"mute"/ },
  {
    name: "a guest runs since its process was started, whoever asks",
    user: "alice",
    run: `since=$(${KNOWN} --no-probe | python3 -c 'import json, sys; print([one["since"] for one in json.load(sys.stdin) if one["name"] == "web10"][0])')
late=$(($(stat -c %Y /run/libvirt/qemu/web10.pid) - $(date -d $since +%s))); ((late >= 0 && late <= 2)) || echo "$since is $late s before the PID file"`,
  },
];

/** Bob, with his session. */
const AS_BOB = "setpriv --reuid bob --regid bob --init-groups env HOME=/home/bob XDG_RUNTIME_DIR=/run/user/1001";

const LACKS: readonly Fact[] = [
  {
    name: "a host without AF_VSOCK has its guests listed all the same",
    run: "shipped list | sed -E 's/ +/ /g; s/ [0-9-]{10} .*//'",
    stdout: `DOMAIN SCOPE STATE CID SSH SINCE HOST KEY\n${WIDE} system paused 9 -\nplain system running - -\nweb2 system running 8 -\nweb10 system running 7 -\n`,
    stderr:
      "virtssh: warning: cannot use VSOCK: this kernel has no AF_VSOCK\nvirtssh: hint: load it with: sudo modprobe vhost_vsock\n",
  },
  {
    name: "bob sees his own where he may not ask the system's daemon, and is told",
    run: `chmod 0700 ${SOCKET}; ${AS_BOB} bash -c '${ENV}; virtssh list --no-probe | wc -l; exit \${PIPESTATUS[0]}'; status=$?; chmod 0777 ${SOCKET}; exit $status`,
    exit: 1,
    stdout: "2\n",
    stderr: failure(
      `cannot open libvirt socket "${SOCKET}": permission denied`,
      `see who may open it with: ls -l ${SOCKET}`,
    ),
  },
  {
    name: "bob sees the system's where his own daemon does not answer, and is told",
    run: `pid=$(pgrep -u bob libvirtd); kill -STOP $pid; ${AS_BOB} bash -c '${ENV}; virtssh list --timeout 2 | grep -o "answers\\|refused\\|session"; exit \${PIPESTATUS[0]}'; status=$?; kill -CONT $pid; exit $status`,
    exit: 1,
    stdout: "refused\nanswers\n",
    stderr: failure(
      'cannot ask libvirt: no answer on "/run/user/1001/libvirt/libvirt-sock" within 2 s',
      "see whether virsh can: virsh -c qemu:///session list",
    ),
  },
  {
    name: "pins that cannot be read are told of, once",
    run: `chmod 777 ~/.local/state/virtssh/hosts; ${ENV}; virtssh list | sed 's/.* //'; chmod 700 ~/.local/state/virtssh/hosts`,
    stdout: "KEY\nunreadable\nunreadable\nunreadable\nunreadable\n",
    stderr: /^virtssh: warning: [^\n]*\nvirtssh: hint: [^\n]*\n$/,
  },
];

/** What is written once nobody reads any more. */
const unread = (words: string) => `{ sleep 0.3; virtssh ${words}; echo $? >&2; } | true`;

const READERS: readonly Fact[] = ["list --no-probe", "list --json --no-probe", "--help", "trust list"].map((words) => ({
  name: `virtssh ${words} ends without a word where nobody reads it`,
  run: unread(words),
  stderr: "141\n",
}));

const FAULTS: readonly Fact[] = [
  {
    name: "no list is torn while libvirtd is killed, and started again",
    run: `export VIRTSSH_TEST_VSOCK=/tmp/vsock; cd /tmp
(for i in {1..8}; do sleep 0.2; pid=$(< /run/libvirtd.pid); kill -KILL $pid; while [[ -e /proc/$pid ]]; do sleep 0.01; done; python3 /etc/lab/grant-cid.py libvirtd -d; done; touch /tmp/over) > /tmp/restarts 2>&1 &
while [[ ! -e /tmp/over ]]; do
  virtssh list --no-probe > out 2> err; status=$?
  case $status:$(wc -l < out):$(head -c 15 err) in
    0:5:) echo whole ;;
    '1:0:virtssh: error:') echo explained ;;
    *) echo "status $status"; cat out err ;;
  esac
done | sort | uniq -c | sed 's/^ *[0-9]* //'; wait; cat /tmp/restarts`,
    stdout: "explained\nwhole\n",
  },
];

describe("virtssh list beside libvirtd", () => {
  let outcomes: Outcomes = new Map();
  testFacts([...SETUP, ...TABLES, ...JSONS, ...LACKS, ...READERS, ...FAULTS], async (steps) => {
    outcomes = await runNative({ steps, files: FILES, texts: TEXTS });
    return outcomes;
  });

  test.each(["root's guests as JSON", "bob's guests as JSON"])("%s fit the schema", (name) => {
    expect(findSchemaErrors("virtssh-list", outcomes.get(name)?.stdout ?? "")).toEqual([]);
  });
});

const GUESTS = 500;

describe("virtssh list of 500 guests", () => {
  test("tells of all that they do, after one call for all and one for each", async () => {
    const ways: readonly Way[] = ["answers", "stammers", "refuses", "says nothing", "closes", "gone"];
    const daemon = new FakeLibvirtd({ domains: makeDomains(GUESTS) });
    await using guests = await ManyGuests.start(daemon, ways);
    const { exit, stdout, stderr } = await guests.run("list --json");
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(findSchemaErrors("virtssh-list", stdout)).toEqual([]);
    const listed: { name: string; ssh: string }[] = JSON.parse(stdout);
    expect(listed.map(({ name }) => name)).toEqual(makeDomains(GUESTS).map(({ name }) => name));
    const answers = ["answers", "answers", "refused", "mute", "closed", "unreachable"];
    expect(listed.map(({ ssh }) => ssh)).toEqual(listed.map((_, index) => answers[index % answers.length]));
    const counts = (call: string) => daemon.calls.filter((one) => one.startsWith(call)).length;
    expect([counts("getAllDomainStats"), counts("getXmlDesc"), daemon.calls.length]).toEqual([1, GUESTS, GUESTS + 4]);
  });

  test("takes turns where there are few descriptors", async () => {
    const daemon = new FakeLibvirtd({ domains: makeDomains(100) });
    await using guests = await ManyGuests.start(daemon, ["answers", "refuses"]);
    const { exit, stdout, stderr } = await guests.run("list --json", "ulimit -n 20");
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout.match(/"ssh":"(?:answers|refused)"/g)).toHaveLength(100);
  });

  test.each([
    ["first", 1],
    ["last", GUESTS],
  ])("is nothing but an explained failure where the daemon closes at the %s of them", async (_, at) => {
    let asked = 0;
    const misbehaves: Record<number, "closes"> = {};
    const before = (procedure: number) => {
      asked += procedure === PROC.getXmlDesc ? 1 : 0;
      if (asked === at) misbehaves[PROC.getXmlDesc] = "closes";
    };
    const daemon = new FakeLibvirtd({ domains: makeDomains(GUESTS), before, misbehaves });
    await using guests = await ManyGuests.start(daemon, ["gone"]);
    const { exit, stdout, stderr } = await guests.run("list");
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr).toMatch(
      /^virtssh: error: cannot ask libvirt: the daemon closed the connection to "[^"]*"\nvirtssh: hint: .*\n$/,
    );
    keepPrinted(expect.getState(), stderr);
  });
});
