// The binary, as a child process, against daemons that break the protocol: always two lines of explanation, and never late.
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeAuthorizedKeys } from "../fakes/fake-authorized-keys.ts";
import { FakeLibvirtd, type FakeLibvirtdOptions, PROC } from "../fakes/fake-libvirtd.ts";
import { serve } from "../fakes/socket-daemon.ts";
import { KEYS } from "../fixtures/host-keys.ts";
import { keepPrinted } from "../fixtures/printed.ts";
import { failure } from "../lab/facts.ts";
import { type Ended, HostileLab } from "./hostile-lab.ts";

const DEADLINE_SECONDS = 1;
/** What a failure may take beyond its deadline. */
const GRACE_MS = 500;

let lab: HostileLab;

beforeAll(async () => {
  lab = await HostileLab.make();
});

afterAll(() => lab.remove());

const WEB = { name: "web", cid: 7 };
const PROXY = ["proxy", "--timeout", String(DEADLINE_SECONDS), "qemu:session/web"];

const WAITS = /^virtssh: error: cannot ask libvirt: no answer on ".*\/libvirt\/virtqemud-sock" within 1 s\n/;
const CLOSED =
  /^virtssh: error: cannot ask libvirt: the daemon closed the connection to ".*\/libvirt\/virtqemud-sock"\n/;
const NONSENSE = /^virtssh: error: cannot understand the libvirt daemon at ".*\/libvirt\/virtqemud-sock": ".*"\n/;

const MISBEHAVIOURS = [
  ["is silent", WAITS],
  ["sends half a header", WAITS],
  ["sends half a body", WAITS],
  ["closes", CLOSED],
  ["sends half a header and closes", CLOSED],
  ["announces 4 GB", NONSENSE],
  ["announces 27 bytes", NONSENSE],
  ["sends another serial", NONSENSE],
  ["sends another procedure", NONSENSE],
  ["sends another program", NONSENSE],
  ["sends an event", NONSENSE],
  ["sends an unknown status", NONSENSE],
  ["sends garbage", NONSENSE],
  ["sends nothing but zeros", NONSENSE],
  ["adds a word", NONSENSE],
  ["leaves out a word", NONSENSE],
] as const;

/** At the first call, in the middle, and at the last. */
const AT = [
  ["AUTH_LIST", PROC.authList],
  ["DOMAIN_LOOKUP_BY_NAME", PROC.lookupByName],
  ["DOMAIN_GET_XML_DESC", PROC.getXmlDesc],
] as const;

describe.each(AT)("a daemon that misbehaves at %s", (_, procedure) => {
  test.each(MISBEHAVIOURS)("%s", async (how, expected) => {
    const ended = await lab.runAgainst({ domains: [WEB], misbehaves: { [procedure]: how } }, PROXY);
    expect(ended).toMatchObject({ exit: 1, stdout: "", stderr: expect.stringMatching(expected) });
    expect(ended.stderr).toMatch(/^virtssh: error: .*\nvirtssh: hint: .*\n$/);
    expect(ended.ms).toBeLessThan(DEADLINE_SECONDS * 1000 + GRACE_MS);
    keepPrinted(expect.getState(), ended.stderr);
  });
});

const HUGE_XML = `<domain id='1'><metadata>${"x".repeat(4_000_000)}</metadata><devices/></domain>`;

interface Strange {
  readonly name: string;
  readonly options: FakeLibvirtdOptions;
  readonly target?: string;
  readonly error: RegExp;
}

describe("a daemon with strange answers", () => {
  const failures: readonly Strange[] = [
    {
      name: "wants SASL",
      options: { auth: [1] },
      error: /it asks for SASL, which virtssh does not speak/,
    },
    { name: "wants something unknown", options: { auth: [9] }, error: /"unknown authentication 9"/ },
    {
      name: "has XML of 4 MB",
      options: { domains: [{ name: "web", xml: HUGE_XML }] },
      error: /domain "web" has no vsock device/,
    },
    ...["\u0000", "x", "\ufffd"].map((character) => ({
      name: `has a name of 4 MB of ${JSON.stringify(character)}`,
      options: { domains: [{ name: character.repeat(4_000_000 / Buffer.from(character).length) }] },
      target: "qemu:session/1",
      error: NONSENSE,
    })),
    {
      name: "refuses with words of 4 MB",
      options: { errors: { [PROC.open]: { code: 1, message: "\u0080".repeat(2_000_000) } } },
      error: /libvirt refused: "(\\x80){512}"\.\.\.\n/,
    },
    {
      name: "refuses without a word",
      options: { errors: { [PROC.open]: { code: 45, message: "" } } },
      error: /cannot connect to qemu:\/\/\/session: libvirt refused: error 45\n/,
    },
    {
      name: "has XML without an end",
      options: { domains: [{ name: "web", xml: "<domain id='1'><devices>" }] },
      error: /"domain XML: the document is cut short"/,
    },
    {
      name: "has a name that could colour the terminal",
      options: { domains: [{ name: "\u009b31mweb" }] },
      target: "qemu:session/1",
      error: /domain "\\x9b31mweb" has no vsock device/,
    },
    {
      name: "refuses in colours",
      options: { errors: { [PROC.open]: { code: 1, message: "\u001b[31mno\nvirtssh: error: fake" } } },
      error: /libvirt refused: "\\x1b\[31mno\\x0avirtssh: error: fake"\n/,
    },
  ];
  test.each(failures)("$name", async ({ options, target = "qemu:session/web", error }) => {
    const ended = await lab.runAgainst(options, ["proxy", "--timeout", "5", target]);
    expect(ended.ms).toBeLessThan(5_000 + GRACE_MS);
    expect(ended).toMatchObject({ exit: 1, stdout: "", stderr: expect.stringMatching(error) });
    expect(ended.stderr).toMatch(/^virtssh: error: .*\nvirtssh: hint: .*\n$/);
    keepPrinted(expect.getState(), ended.stderr);
  });

  test("answers that come out of order are put in order", async () => {
    const ended = await lab.runAgainst({ domains: [WEB], late: PROC.getState }, [
      "resolve",
      "--json",
      "qemu:session/web",
    ]);
    expect(ended).toMatchObject({ exit: 0, stderr: "" });
    expect(JSON.parse(ended.stdout)).toMatchObject({ name: "web", cid: 7, state: "running" });
  });

  test("a helper whose ssh has gone ends at once, though the daemon is silent", async () => {
    let asked: () => void = () => undefined;
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const server = await serve(
      new FakeLibvirtd({ misbehaves: { [PROC.open]: "is silent" }, before: () => asked() }),
      lab.socket,
    );
    const child = lab.start(["proxy", "--timeout", "30", "qemu:session/web"]);
    await isAsked;
    child.stdout?.destroy();
    const [said, [exit]] = await Promise.all([child.stderr === null ? "" : text(child.stderr), once(child, "close")]);
    expect({ said, exit }).toEqual({
      said: "virtssh: error: cannot go on: whoever started virtssh has closed its stdout\n",
      exit: 1,
    });
    server.close();
    rmSync(lab.socket, { force: true });
  });
});

const KEY = KEYS.map(({ key }) => `${key.type} ${key.text}`)[0] ?? "";
const AGENTS = [
  [
    "a daemon that knows no call about keys",
    { errors: { [PROC.getKeys]: { code: 39, message: "unknown procedure: 424" } } },
  ],
  [
    "an agent that says that it has added a key, and has not",
    { authorizedKeys: new FakeAuthorizedKeys({ root: "" }, "adds nothing") },
  ],
  [
    "an agent that loses a line over another",
    { authorizedKeys: new FakeAuthorizedKeys({ root: "theirs\nours" }, "loses the first line") },
  ],
] as const;

test.each(AGENTS)("%s", async (_, options) => {
  const file = join(lab.folder, "key.pub");
  writeFileSync(file, `${KEY}\n`);
  const ended = await lab.runAgainst({ domains: [WEB], ...options }, [
    "keys",
    "add",
    "qemu:session/web",
    "--user",
    "root",
    file,
  ]);
  expect(ended).toMatchObject({ exit: 1, stderr: expect.stringMatching(/^virtssh: error: .*\nvirtssh: hint: .*\n$/) });
  keepPrinted(expect.getState(), ended.stderr);
});

const renderWeb = (arch: string, more = "") =>
  `<domain><name>web</name><os><type arch='${arch}'>hvm</type></os>${more}</domain>`;

async function applyCredential(options: FakeLibvirtdOptions): Promise<Ended> {
  const file = join(lab.folder, "key.pub");
  writeFileSync(file, `${KEY}\n`);
  return await lab.runAgainst(options, ["keys", "credential", "--apply", "qemu:session/web", file]);
}

test("a machine without SMBIOS", async () => {
  const ended = await applyCredential({ domains: [{ name: "web", xml: renderWeb("s390x") }] });
  const error = 'cannot give domain "web" a credential: machines of type "s390x" have no SMBIOS';
  const hint = "bring the keys by cloud-init, with: virtssh keys cloud-init FILE";
  expect(ended).toMatchObject({ exit: 1, stderr: failure(error, hint) });
  keepPrinted(expect.getState(), ended.stderr);
});

test("a configuration that is another one once it is written", async () => {
  let isWritten = false;
  const before = (procedure: number, daemon: FakeLibvirtd) => {
    if (isWritten) daemon.domains = [{ name: "web", xml: renderWeb("x86_64", "<devices/>") }];
    isWritten ||= procedure === PROC.defineXml;
  };
  const ended = await applyCredential({ domains: [{ name: "web", xml: renderWeb("x86_64") }], before });
  const error = 'cannot tell that the rest of domain "web" is as it was: libvirt has not kept to what was written';
  const hint = "see what it has now with: virsh -c qemu:///session dumpxml --inactive web";
  expect(ended).toMatchObject({ exit: 1, stderr: failure(error, hint) });
  keepPrinted(expect.getState(), ended.stderr);
});

describe("a daemon that stops reading in the middle of a call", () => {
  test.each([
    ["without signals", false],
    ["with a signal every millisecond", true],
  ])("%s, which does not put off the deadline", async (_, hasSignals) => {
    const file = join(lab.folder, "key.pub");
    writeFileSync(file, `${KEY}\n`);
    const long = renderWeb("x86_64", `<metadata>${"x".repeat(1_000_000)}</metadata>`); // more than a socket holds
    const words = ["keys", "credential", "--apply", "--timeout", "1", "qemu:session/web", file];
    const ended = await lab.runAgainstDeaf({ domains: [{ name: "web", xml: long }] }, words, hasSignals);
    expect(ended).toMatchObject({ exit: 1, stderr: expect.stringMatching(WAITS) });
    expect(ended.ms).toBeLessThan(DEADLINE_SECONDS * 1000 + GRACE_MS);
  });
});
