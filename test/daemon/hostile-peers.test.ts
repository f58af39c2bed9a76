// Daemons and guests that mean harm, and keep to the protocol: what they send is large, slow, or not made for a terminal. The program ends
// in time, with an answer or two lines of explanation, and prints nothing that a terminal would obey.
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeAuthorizedKeys } from "../fakes/fake-authorized-keys.ts";
import { type FakeLibvirtdOptions, PROC } from "../fakes/fake-libvirtd.ts";
import { text, word } from "../fakes/fake-replies.ts";
import { KEYS } from "../fixtures/host-keys.ts";
import { keepPrinted } from "../fixtures/printed.ts";
import { type Ended, EVIL, HARMLESS, HostileLab } from "./hostile-lab.ts";

const DEADLINE_SECONDS = 5;
/** What a failure may take beyond its deadline, and all of it where there is no waiting. */
const GRACE_MS = 500;

const WEB = { name: "web", cid: 7 };
const TIMEOUT = ["--timeout", String(DEADLINE_SECONDS)];
const RESOLVE = ["resolve", ...TIMEOUT, "qemu:session/web"];

let daemons: HostileLab;
let guests: HostileLab;

beforeAll(async () => {
  daemons = await HostileLab.make();
  guests = await HostileLab.make("build/test/virtssh");
});

afterAll(() => {
  daemons.remove();
  guests.remove();
});

function expectHarmless({ stdout, stderr, ms }: Ended, seconds = DEADLINE_SECONDS): void {
  expect(stdout).toMatch(HARMLESS);
  expect(stderr).toMatch(HARMLESS);
  expect(ms).toBeLessThan(seconds * 1000 + GRACE_MS);
}

function expectExplained(ended: Ended, error: RegExp): void {
  expectHarmless(ended);
  expect(ended).toMatchObject({ exit: 1, stdout: "", stderr: expect.stringMatching(error) });
  expect(ended.stderr).toMatch(/^virtssh: error: .*\nvirtssh: hint: .*\n$/);
  keepPrinted(expect.getState(), ended.stderr);
}

/** Changes the body of the answers to one procedure. */
function answering(procedure: number, body: Buffer, status = 0): FakeLibvirtdOptions {
  const edit = (reply: Buffer) => {
    if (reply.readInt32BE(12) !== procedure) return reply;
    const header = Buffer.from(reply.subarray(0, 28));
    header.writeUInt32BE(28 + body.length, 0);
    header.writeUInt32BE(status, 24);
    return Buffer.concat([header, body]);
  };
  return { domains: [WEB], edit };
}

/** VIR_NET_MESSAGE_MAX of virnetprotocol.x and REMOTE_STRING_MAX of remote_protocol.x. */
const MESSAGE_MAX = 33_554_432;
const STRING_MAX = 4_194_304;
const BODY_MAX = MESSAGE_MAX - 24;

const LONG = Buffer.concat([word(BODY_MAX - 4), Buffer.alloc(BODY_MAX - 4, "x")]);
const LONG_REFUSAL = Buffer.concat([word(42), word(10), word(1), LONG.subarray(0, BODY_MAX - 12)]);

const LARGE: readonly (readonly [name: string, options: FakeLibvirtdOptions, error: RegExp])[] = [
  ["XML that is too long", answering(PROC.getXmlDesc, LONG), /length is 33554404, limit is 4194304/],
  ["a name that is too long", answering(PROC.lookupByName, LONG), /length is 33554404, limit is 1020/],
  ["a refusal that is too long", answering(PROC.lookupByName, LONG_REFUSAL, 1), /length is 33554404, limit is 4194304/],
  ["no XML, and 32 MB behind it", answering(PROC.getXmlDesc, Buffer.alloc(BODY_MAX)), /33554404 bytes too many/],
  [
    "four bytes more than there may be",
    answering(PROC.getXmlDesc, Buffer.alloc(BODY_MAX + 4)),
    /message is 33554440 bytes/,
  ],
];

describe("messages of 32 MB, the most that one may have", () => {
  test.each(LARGE)("%s", async (_, options, error) => {
    expectExplained(await daemons.runAgainst(options, RESOLVE), error);
  });

  test("of a domain's parameters", async () => {
    const count = 2_000_000;
    const domain = Buffer.concat([text("web"), Buffer.alloc(16), word(1)]);
    const params = Buffer.alloc(count * 12, Buffer.concat([text(""), word(1), word(0)]));
    const body = Buffer.concat([word(1), domain, word(262_144), params]); // REMOTE_CONNECT_GET_ALL_DOMAIN_STATS_MAX
    const ended = await daemons.runAgainst(answering(PROC.getAllDomainStats, body), ["list", "--no-probe", ...TIMEOUT]);
    expectExplained(ended, /length is 262144, limit is 16"/);
  });
});

/** As many domains that are shut off, with such names. */
function listing(count: number, name: Buffer): FakeLibvirtdOptions {
  const padding = Buffer.alloc((4 - (name.length % 4)) % 4);
  const domain = Buffer.concat([word(name.length), name, padding, Buffer.alloc(16), word(0xffff_ffff)]);
  const state = Buffer.concat([word(1), text("state.state"), word(1), word(5)]);
  const body = Buffer.concat([
    word(count),
    Buffer.alloc(count * (domain.length + state.length), Buffer.concat([domain, state])),
  ]);
  return answering(PROC.getAllDomainStats, body);
}

/** REMOTE_DOMAIN_LIST_MAX of remote_protocol.x. */
const DOMAINS_MAX = 16_384;

describe("as many domains as there may be", () => {
  const list = ["list", "--all", "--no-probe", ...TIMEOUT];
  /** So many can be shown, on a busy machine, too. */
  const SHOWN_SECONDS = 30;
  const show = ["list", "--all", "--no-probe", "--timeout", String(SHOWN_SECONDS)];

  test("with names of 2,000 bytes, 32 MB", async () => {
    expectExplained(await daemons.runAgainst(listing(DOMAINS_MAX, Buffer.alloc(1_960, "東")), list), /limit is 1020"/);
  });

  test("with names of 1,000 bytes", async () => {
    const ended = await daemons.runAgainst(listing(DOMAINS_MAX, Buffer.alloc(1_000, "x")), list);
    expectExplained(ended, /the names of all domains have over 1048576 bytes"/);
  });

  test("with names of 64 bytes", async () => {
    const ended = await daemons.runAgainst(listing(DOMAINS_MAX, Buffer.alloc(64, "x")), show);
    expectHarmless(ended, SHOWN_SECONDS);
    expect(ended.stdout.split("\n")).toHaveLength(DOMAINS_MAX + 2);
  });

  test.each([
    ["other characters than ASCII", Buffer.alloc(1_020, "東")],
    ["what is no UTF-8", Buffer.alloc(1_020, Buffer.from([0xe6, 0x9d, 0x61]))],
  ])("or as many as names of 1,020 bytes allow, of %s", async (_, name) => {
    const ended = await daemons.runAgainst(listing(1_028, name), show);
    expectHarmless(ended, SHOWN_SECONDS);
    expect(ended.stdout.split("\n")).toHaveLength(1_028 + 2);
  });
});

const repeat = (part: string, before = "", after = "") =>
  before + part.repeat(Math.floor((STRING_MAX - before.length - after.length) / part.length)) + after;

const ENTITIES = Array.from({ length: 9 }, (_, index) => `<!ENTITY a${index + 1} "${`&a${index};`.repeat(10)}">`);

/** What libvirt would not take from anybody; a daemon that is not libvirt may send it. */
const BOMBS: readonly (readonly [name: string, xml: string, error: RegExp])[] = [
  [
    "a billion laughs",
    `<!DOCTYPE domain [<!ENTITY a0 "ha">${ENTITIES.join("")}]><domain id='1'>&a9;</domain>`,
    /there is a document type/,
  ],
  ["elements in each other", repeat("<a>", "<domain id='1'>"), /cut short/],
  ["an attribute of 4 MB", repeat("x", "<domain id='1' a='", "'/>"), /tags are too long/],
  ["attributes without an end", repeat(" a='b'", "<domain id='1'", "/>"), /tags are too long/],
  ["quotes", repeat("'>", "<domain id='1'><a "), /cut short/],
  ["comments that do not end", repeat("<!--", "<domain id='1'>"), /cut short/],
  ["comments", repeat("<!---->", "<domain id='1'>", "</domain>"), /has no vsock device/],
  ["the beginnings of tags", repeat("<", "<domain id='1'>"), /cut short/],
  [
    "vsock devices without a CID",
    repeat("<vsock/>", "<domain id='1'><devices>", "</devices></domain>"),
    /too many elements/,
  ],
  [
    "attributes of CIDs",
    repeat(`<cid ${"a='b' ".repeat(2_700)}/>`, "<domain id='1'><devices><vsock>", "</vsock></devices></domain>"),
    /tags are too long/,
  ],
  [
    "elements in a CID",
    repeat("<a/>", "<domain id='1'><devices><vsock><cid>", "</cid></vsock></devices></domain>"),
    /has no vsock device/,
  ],
];

describe("XML of 4 MB", () => {
  test.each(BOMBS)("%s", async (_, xml, error) => {
    const ended = await daemons.runAgainst({ domains: [{ name: "web", xml }] }, [
      "proxy",
      ...TIMEOUT,
      "qemu:session/web",
    ]);
    expectExplained(ended, error);
  });

  test("what looks like comments that do not end, in an OEM string", async () => {
    const before = "<domain><os><type arch='x86_64'/></os><sysinfo type='smbios'><oemStrings><entry>";
    const xml = repeat("<a b='<!--'/>", before, "</entry></oemStrings></sysinfo></domain>");
    const ended = await daemons.runAgainst({ domains: [{ name: "web", xml }] }, [
      "keys",
      "credential",
      ...TIMEOUT,
      "qemu:session/web",
    ]);
    expectHarmless(ended);
  });
});

const [KEY = ""] = KEYS.map(({ key }) => `${key.type} ${key.text}`);

describe("names and words that a terminal would obey", () => {
  const evil = [
    { name: EVIL, cid: 7 },
    { name: `${EVIL}2`, state: "shut off" as const },
  ];
  test.each([
    ["list", { domains: evil }, ["list", "--all", "--no-probe"]],
    ["list --json", { domains: evil }, ["list", "--all", "--no-probe", "--json"]],
    ["inventory", { domains: evil }, ["inventory", "--list"]],
    ["resolve", { domains: evil }, ["resolve", "qemu:session/1"]],
    ["resolve --json", { domains: evil }, ["resolve", "--json", "qemu:session/1"]],
    ["a near name", { domains: [{ name: "we\u001b" }] }, ["resolve", "qemu:session/web"]],
    ["wait", { domains: evil }, ["wait", "--timeout", "1", "qemu:session/2"]],
    ["enable", { domains: evil }, ["enable", "--dry-run", "qemu:session/2"]],
    ["a refusal", { errors: { [PROC.lookupByName]: { code: 1, message: EVIL } } }, RESOLVE],
    [
      "the keys in a guest",
      { domains: [WEB], authorizedKeys: new FakeAuthorizedKeys({ root: `${KEY} ${EVIL.replace(/[\n\r]/g, "")}` }) },
      ["keys", "list", "qemu:session/web", "--user", "root"],
    ],
    [
      "what an agent refuses with",
      { domains: [WEB], errors: { [PROC.getKeys]: { code: 113, message: EVIL } } },
      ["keys", "list", "qemu:session/web", "--user", "root"],
    ],
  ] as const)("%s", async (_, options, words) => {
    const ended = await daemons.runAgainst(options, words);
    expectHarmless(ended);
    expect([0, 1]).toContain(ended.exit);
    expect(ended.stdout + ended.stderr).not.toBe("");
  });
});

describe("what is no UTF-8", () => {
  const garbage = (reply: Buffer) =>
    Buffer.from(reply.toString("latin1").replace("web", "\u00fe\u00c0\u00ed"), "latin1");
  test.each([
    ["in a name", { domains: [{ name: "web" }], edit: garbage }, /domain "\ufffd{3}" has no vsock device/],
    ["in a refusal", { errors: { [PROC.lookupById]: { code: 1, message: "web" } }, edit: garbage }, /"\ufffd{3}"/],
  ] as const)("%s", async (_, options, error) => {
    expectExplained(await daemons.runAgainst(options, ["proxy", ...TIMEOUT, "qemu:session/1"]), error);
  });

  test("in XML, where nothing is looked for", async () => {
    const xml = Buffer.from(
      "<domain id='1'><name>\u00fe\u00ff</name><devices><vsock><cid address='7'/></vsock></devices></domain>",
      "latin1",
    );
    const body = Buffer.concat([word(xml.length), xml, Buffer.alloc((4 - (xml.length % 4)) % 4)]);
    const ended = await daemons.runAgainst(answering(PROC.getXmlDesc, body), ["resolve", "--json", "qemu:session/web"]);
    expect(ended).toMatchObject({ exit: 0, stderr: "" });
    expect(JSON.parse(ended.stdout)).toMatchObject({ cid: 7 });
  });
});

describe("a daemon that says one byte", () => {
  test("a second, which does not put off the deadline", async () => {
    const ended = await daemons.runAgainstSlow({ domains: [WEB] }, 1_000, ["proxy", ...TIMEOUT, "qemu:session/web"]);
    expectExplained(ended, /^virtssh: error: cannot ask libvirt: no answer on ".*" within 5 s\n/);
    expect(ended.ms).toBeGreaterThan(DEADLINE_SECONDS * 1000);
  });

  test("a millisecond, and is understood", async () => {
    const ended = await daemons.runAgainstSlow({ domains: [WEB] }, 1, [
      "resolve",
      "--json",
      "--timeout",
      "30",
      "qemu:session/web",
    ]);
    expect(ended).toMatchObject({ exit: 0, stderr: "" });
    expect(JSON.parse(ended.stdout)).toMatchObject({ name: "web", cid: 7 });
  });
});

const endless = (bytes: Buffer) => (socket: Socket) => {
  const go = () => {
    while (socket.writable && socket.write(bytes)); // until its buffer is full
  };
  socket.on("drain", go);
  go();
};
const slowly = (socket: Socket) => {
  const timer = setInterval(() => socket.write("S"), 1_000);
  socket.on("close", () => clearInterval(timer));
};

/** Who talks is taken for ready, since ssh itself judges what it says. */
const GUESTS: readonly (readonly [name: string, guest: (socket: Socket) => void])[] = [
  ["says its first line without an end", endless(Buffer.alloc(65_536, "SSH-2.0-x"))],
  ["says zeros without an end", endless(Buffer.alloc(65_536))],
  ["says what a terminal would obey", (socket) => socket.write(`SSH-2.0-${EVIL}`)],
  ["says what is no UTF-8", (socket) => socket.write(Buffer.from([0xff, 0xc0, 0x80, 0x0a]))],
  ["says one byte a second", slowly],
];

describe.each(GUESTS)("a guest that %s", (_, guest) => {
  test.each([
    ["list", ["list", ...TIMEOUT], [0]],
    ["wait", ["wait", ...TIMEOUT, "qemu:session/web"], [0]],
    ["doctor", ["doctor", ...TIMEOUT, "qemu:session/web"], [0, 1]], // what else it finds is the machine's
  ])("%s", async (_command, words, exits) => {
    const ended = await guests.withGuest(guest, () => guests.runAgainst({ domains: [WEB] }, words));
    expectHarmless(ended);
    expect(exits).toContain(ended.exit);
    expect(ended.stderr).toBe("");
  });
});

test("a relay whose reader goes away ends, though the guest never does", async () => {
  const guest = endless(Buffer.alloc(65_536, "x"));
  const relay = async () => {
    const child = guests.start(["proxy", ...TIMEOUT, "qemu:session/web"]);
    child.stdout?.once("data", () => child.stdout?.destroy());
    const begin = performance.now();
    await once(child, "close");
    return performance.now() - begin;
  };
  const ms = await guests.withGuest(guest, () => guests.withDaemon({ domains: [WEB] }, relay));
  expect(ms).toBeLessThan(DEADLINE_SECONDS * 1000);
});
