// Guests that mean harm through their agent, whose answers libvirt passes on: the program ends in time, and prints nothing that a
// terminal would obey.
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeAuthorizedKeys } from "../fakes/fake-authorized-keys.ts";
import type { FakeError } from "../fakes/fake-libvirtd.ts";
import { keepPrinted } from "../fixtures/printed.ts";
import { EVIL, HARMLESS, HostileLab } from "./hostile-lab.ts";

const DEADLINE_SECONDS = 5;
const GRACE_MS = 500;
const TIMEOUT = ["--timeout", String(DEADLINE_SECONDS)];

/** REMOTE_STRING_MAX of remote_protocol.x: no answer of an agent is longer. */
const STRING_MAX = 4_194_304;

/** A channel to an agent, which libvirt says is there. */
const XML = `<domain type='kvm' id='1'><name>web</name><devices><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'
state='connected'/></channel><vsock><cid auto='no' address='7'/></vsock></devices></domain>`;
const WEB = { name: "web", cid: 7, xml: XML };

let lab: HostileLab;

beforeAll(async () => {
  lab = await HostileLab.make("build/test/virtssh");
});

afterAll(() => lab.remove());

const returned = (value: unknown) => JSON.stringify({ return: value });

/** Lets every program run, and has each come to this. */
function coming(status: object): (command: string) => string {
  const answers: Readonly<Record<string, unknown>> = {
    "guest-info": { supported_commands: ["guest-exec", "guest-exec-status"].map((name) => ({ name, enabled: true })) },
    "guest-exec": { pid: 1 },
    "guest-exec-status": status,
  };
  return (command) => returned(answers[JSON.parse(command).execute] ?? {});
}

const saying = (output: string | Buffer) =>
  coming({ exited: true, exitcode: 0, "out-data": Buffer.from(output).toString("base64") });

const NONSENSE = "it talks nonsense";
const NO_DRIVER = "the guest has no VSOCK driver";
const NO_LIST = "no ss in the guest has said who listens";

const AGENTS: readonly (readonly [name: string, agent: (command: string) => string | FakeError, said: string])[] = [
  ["says what a terminal would obey", saying(`/\n${EVIL}\n`), NO_DRIVER],
  ["says what is no UTF-8", saying(Buffer.from([0x2f, 0x0a, 0xff, 0xc0, 0x80, 0x0a])), NO_DRIVER],
  ["says 3 MB", saying("x".repeat(3_000_000)), NO_LIST],
  ["says 3 MB of lines", saying("/a\n".repeat(1_000_000)), NO_LIST],
  ["refuses with what a terminal would obey", () => ({ code: 113, message: EVIL }), "libvirt refused:"],
  ["answers with arrays in each other", () => "[".repeat(STRING_MAX), NONSENSE],
  ["answers with objects in each other", () => '{"return":'.repeat(STRING_MAX / 10), NONSENSE],
  ["answers with an array of 2,000,000", () => `{"return":[${"1,".repeat(2_000_000)}1]}`, NONSENSE],
  ["answers with what is no JSON", () => `{"return":"${EVIL}`, NONSENSE],
  ["answers with nothing", () => "", NONSENSE],
  ["has programs that do not end", coming({ exited: false }), NO_LIST],
];

test.each(AGENTS)("doctor of a guest whose agent %s", async (_, agentCommands, said) => {
  const ended = await lab.runAgainst({ domains: [WEB], agentCommands }, ["doctor", ...TIMEOUT, "qemu:session/web"]);
  expect(ended.stdout + ended.stderr).toMatch(HARMLESS);
  expect(ended.exit).toBe(1);
  expect(/guest agent: (?:not tried: )?(.*)/.exec(ended.stdout)?.[1]).toContain(said);
  expect(ended.ms).toBeLessThan(DEADLINE_SECONDS * 1000 + GRACE_MS);
});

const LINES: readonly (readonly [name: string, line: string, count: number])[] = [
  ["many", "ssh-ed25519 AAAA", 100_000],
  ["long", "x".repeat(STRING_MAX), 7],
  ["what a terminal would obey", EVIL.replace(/[\n\r]/g, ""), 1_000],
];

test.each(LINES)("keys list of a guest with lines of keys that are %s", async (_, line, count) => {
  const authorizedKeys = new FakeAuthorizedKeys({ root: Array.from({ length: count }, () => line).join("\n") });
  const words = ["keys", "list", ...TIMEOUT, "--user", "root", "qemu:session/web"];
  const ended = await lab.runAgainst({ domains: [WEB], authorizedKeys }, words);
  expect(ended.stdout + ended.stderr).toMatch(HARMLESS);
  expect([0, 1]).toContain(ended.exit);
  expect(ended.ms).toBeLessThan(DEADLINE_SECONDS * 1000 + GRACE_MS);
});

test("a guest with more keys than are read", async () => {
  const authorizedKeys = new FakeAuthorizedKeys({ root: `${"x".repeat(1_500_000)}\n${"y".repeat(1_500_000)}` });
  const ended = await lab.runAgainst({ domains: [WEB], authorizedKeys }, [
    ...["keys", "list", ...TIMEOUT],
    ...["--user", "root", "qemu:session/web"],
  ]);
  expect(ended).toMatchObject({ exit: 1, stdout: "" });
  expect(ended.stderr).toMatch(
    /^virtssh: error: the guest agent of domain "web" tells of more keys of user "root" than are read/,
  );
  keepPrinted(expect.getState(), ended.stderr);
});
