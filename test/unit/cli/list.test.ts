// What `virtssh list` says of the guests: as a table, as JSON, and where something cannot be known.

import { describe, expect, test } from "vitest";
import { EACCES, EAFNOSUPPORT, ECONNRESET, ENODEV, EPERM, ETIMEDOUT } from "../../../helper/sys/errno.ts";
import type { Probed } from "../../../helper/sys/system.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import { FakeLibvirtd, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem, type FakeSystemOptions, SYSTEM_SOCKET } from "../../fakes/fake-system.ts";
import { findSchemaErrors } from "../../fixtures/schemas.ts";
import { failureOf } from "../failure-of.ts";
import { directory, file, HEADER, STATE } from "../hostkeys/surroundings.ts";
import { runWords } from "./run.ts";

const uuidOf = (digit: number) => `4dea22b3-1d52-d8f3-2516-782e98ab3fa${digit}`;

function domain(digit: number, facts: Omit<FakeDomain, "uuid">): FakeDomain {
  return { uuid: uuidOf(digit), ...facts };
}

const SYSTEM: readonly FakeDomain[] = [
  domain(0, { name: "web10", id: 1, cid: 7 }),
  domain(1, { name: "web2", id: 2, cid: 8 }),
  domain(2, { name: "B\u00fccher \u65e5\u672c", id: 3, cid: 9, state: "paused" }),
  domain(3, { name: "plain", id: 4 }),
  domain(4, { name: "off\u001b[31m", state: "shut off", cid: 10 }),
];
const SESSION: readonly FakeDomain[] = [domain(5, { name: "web2", id: 1, cid: 11 })];

const words = (text: string): Probed => ({ errno: 0, said: Buffer.from(text) });
const failed = (errno: number): Probed => ({ errno, said: undefined });
const PROBES = { "7:22": words("SSH-2.0-OpenSSH_10.0\r\n"), "8:22": failed(ECONNRESET), "11:22": failed(ETIMEDOUT) };

/** As libvirt and the kernel have them of a guest's process: proc_pid_stat(5), proc_stat(5). */
function processFiles(pid: number, name: string, uuid: string): Record<string, FakeFile> {
  const fields = Array.from({ length: 50 }, (_, index) => (index === 22 - 3 ? "360000" : "0"));
  return {
    [`/run/libvirt/qemu/${name}.pid`]: { text: String(pid), mode: 0o100644 },
    [`/proc/${pid}/cmdline`]: { text: `/usr/bin/qemu-system-x86_64\0-name\0guest=${name}\0-uuid\0${uuid}\0-S\0` },
    [`/proc/${pid}/stat`]: { text: `${pid} (qemu-system-x86) ${fields.join(" ")}\n` },
  };
}

const BOOT = { "/proc/stat": { text: "cpu  1 2 3\nintr 1 2 3\nctxt 5\nbtime 1795304736\nprocesses 7\n" } };
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICjH2/ZsXLNiMn8VbPkNkBD9PBbkfpFBPQaEb/uJzsQK";
const HOSTS = `${STATE}/hosts`;
const FILES = {
  ...BOOT,
  ...processFiles(174, "web10", uuidOf(0)),
  [STATE]: directory(),
  [HOSTS]: directory(),
  [`${HOSTS}/${uuidOf(0)}`]: file(`${HEADER}* ${KEY}\n`),
};

const USUAL: FakeSystemOptions = {
  system: new FakeLibvirtd({ domains: SYSTEM }),
  session: new FakeLibvirtd({ domains: SESSION }),
  probes: PROBES,
  files: FILES,
};

function run(args: readonly string[], options: FakeSystemOptions = USUAL) {
  const sys = new FakeSystem(options);
  const status = runWords(["list", ...args], sys);
  const text = (fd: number) => Buffer.from(sys.written(fd), "latin1").toString();
  expect(sys.openDescriptors).toEqual([]);
  return { status, stdout: text(1), stderr: text(2), sys };
}

function listJson(args: readonly string[] = [], options: FakeSystemOptions = USUAL): Record<string, unknown>[] {
  const { status, stdout, stderr } = run(["--json", ...args], options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/^[\x20-\x7e]+\n$/); // one line of ASCII
  expect(findSchemaErrors("virtssh-list", stdout)).toEqual([]);
  return JSON.parse(stdout);
}

describe("the table", () => {
  test("has the guests that run, the system's first, in the order in which people count", () => {
    const { status, stdout, stderr } = run([]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toBe(
      `DOMAIN       SCOPE    STATE    CID  SSH      SINCE                 HOST KEY
B\u00fccher \u65e5\u672c  system   paused   9    -        -                     -
plain        system   running  -    -        -                     -
web2         system   running  8    refused  -                     -
web10        system   running  7    answers  2026-11-22 00:45 UTC  pinned
web2         session  running  11   silent   -                     -
`,
    );
  });

  test("has those that are shut off, with --all, and their names escaped", () => {
    const off = run(["--all"])
      .stdout.split("\n")
      .find((line) => line.startsWith("off"));
    expect(off).toBe("off\\x1b[31m  system   shut off  -    -        -                     -");
  });

  const noColours = (environment: Record<string, string>) => ({ ...USUAL, terminals: [1], environment });

  test.each<[string, boolean, FakeSystemOptions]>([
    ["no", false, USUAL],
    ["no, with NO_COLOR", false, noColours({ TERM: "xterm", NO_COLOR: "0" })],
    ["no, on a dumb terminal", false, noColours({ TERM: "dumb" })],
    ["no, on a terminal of no name", false, noColours({})],
    ["colours on a terminal", true, noColours({ TERM: "xterm" })],
    ["colours with an empty NO_COLOR", true, noColours({ TERM: "xterm", NO_COLOR: "" })],
  ])("has %s colours", (_, has, options) => {
    const { stdout } = run([], options);
    expect(stdout.includes("\u001b[32manswers\u001b[0m")).toBe(has);
    expect(stdout.includes("\u001b")).toBe(has);
  });

  test("is as wide with colours as without", () => {
    const coloured = run([], noColours({ TERM: "xterm", XDG_RUNTIME_DIR: "/run/user/1000", HOME: "/home/user" }));
    const plain = coloured.stdout
      .split("\u001b")
      .map((part, index) => (index === 0 ? part : part.replace(/^\[\d+m/, "")));
    expect(plain.join("")).toBe(run([]).stdout);
  });
});

describe("no guest", () => {
  const empty = (domains: readonly FakeDomain[]) => ({ system: new FakeLibvirtd({ domains }) });

  test.each([
    [
      "where none runs",
      [domain(0, { name: "off", state: "shut off" })],
      { args: [], said: "no domain runs; list the others with: virtssh list --all" },
    ],
    ["where there is none", [], { args: ["--all"], said: "there is no domain" }],
  ])("says so, and prints nothing, %s", (_, domains, { args, said }) => {
    expect(run(args, empty(domains))).toMatchObject({ status: 0, stdout: "", stderr: `virtssh: ${said}\n` });
  });

  test("is an empty array", () => {
    expect(listJson([], empty([]))).toEqual([]);
  });
});

describe("--json", () => {
  test("has all that is known of a guest", () => {
    const guests = listJson();
    expect(guests.map(({ name }) => name)).toEqual(["B\u00fccher \u65e5\u672c", "plain", "web2", "web10", "web2"]);
    expect(guests[3]).toEqual({
      uri: "qemu:///system",
      name: "web10",
      uuid: uuidOf(0),
      id: 1,
      state: "running",
      cid: 7,
      since: "2026-11-22T00:45:36Z",
      ssh: "answers",
      pinned: true,
    });
  });

  test("has null for what there is not", () => {
    const [off] = listJson(["--all"]).filter(({ state }) => state === "shut off");
    expect(off).toMatchObject({ id: null, cid: null, since: null, ssh: null, pinned: false });
  });
});

describe("ssh", () => {
  const guest = (probed: Probed) => listJson([], { ...USUAL, probes: { ...PROBES, "7:22": probed } })[3]?.["ssh"];

  test.each<[string, Probed, string]>([
    ["answers", words("SSH-2.0-x\r\n"), "answers"],
    ["answers with a word of its own", words("220 mail ESMTP\r\n"), "mute"],
    ["says nothing", failed(0), "mute"],
    ["closes", words(""), "closed"],
    ["refuses", failed(ECONNRESET), "refused"],
    ["does not answer", failed(ETIMEDOUT), "silent"],
    ["has just gone", failed(ENODEV), "unreachable"],
  ])("of a guest that %s", (_, probed, answer) => {
    expect(guest(probed)).toBe(answer);
  });

  test("is asked of guests that run and have a CID, all at once", () => {
    expect(run([]).sys.log.filter((line) => line.startsWith("probe"))).toEqual(["probe 7:22 8:22 11:22"]);
  });

  test("is not asked with --no-probe", () => {
    const { sys, stdout } = run(["--no-probe", "--json"]);
    expect(sys.log.filter((line) => line.startsWith("probe"))).toEqual([]);
    expect(stdout).not.toMatch(/"ssh":"/);
  });

  test("takes half a second, whoever does not answer", () => {
    const sys = new FakeSystem(USUAL);
    const startedMs = sys.nowMs();
    runWords(["list"], sys);
    expect(sys.nowMs() - startedMs).toBe(500);
  });

  test("is asked of 512 guests at a time", () => {
    const domains = Array.from({ length: 600 }, (_, index) => ({ name: `vm${index}`, cid: index + 3 }));
    const { sys } = run([], { system: new FakeLibvirtd({ domains }) });
    expect(sys.log.filter((line) => line.startsWith("probe"))).toEqual(["probe 512 guests", "probe 88 guests"]);
  });

  test.each([
    ["AF_VSOCK", { probeErrno: EAFNOSUPPORT }, /^virtssh: warning: .*AF_VSOCK.*\nvirtssh: hint: .*\n$/],
    ["leave to use it", { probeErrno: EPERM }, /^virtssh: warning: .*EPERM.*\n(?:virtssh: hint: .*\n)?$/],
    [
      "leave to connect",
      { probes: { "7:22": failed(EACCES) } },
      /^virtssh: warning: .*EACCES.*\n(?:virtssh: hint: .*\n)?$/,
    ],
  ])("is unknown of all without %s, which is said once", (_, options, warning) => {
    const { status, stdout, stderr } = run(["--json"], { ...USUAL, ...options });
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(warning) });
    expect(JSON.parse(stdout).map(({ ssh }: { ssh: unknown }) => ssh)).toEqual([null, null, null, null, null]);
  });
});

describe("since", () => {
  const since = (files: Record<string, FakeFile>) =>
    listJson([], { ...USUAL, files: { ...FILES, ...files } })[3]?.["since"];

  test.each<[string, Record<string, FakeFile>]>([
    ["no PID file", { "/run/libvirt/qemu/web10.pid": { link: "/nowhere" } }],
    ["a PID file that holds something else", { "/run/libvirt/qemu/web10.pid": { text: "soon\n", mode: 0o100644 } }],
    ["a PID that is another domain's", processFiles(174, "web10", uuidOf(1))],
    ["a process that is no QEMU", { "/proc/174/cmdline": { text: "bash\0" } }],
    ["a process that has gone", { "/proc/174/stat": { text: "" } }],
    ["a kernel that does not tell when it was started", { "/proc/stat": { text: "cpu 1 2 3\n" } }],
  ])("is unknown with %s", (_, files) => {
    expect(since(files)).toBeNull();
  });

  test("is known of a session's guest, too", () => {
    const { "/run/libvirt/qemu/web2.pid": pid, ...rest } = processFiles(201, "web2", uuidOf(5));
    const files = { ...FILES, ...rest, "/run/user/1000/libvirt/qemu/run/web2.pid": pid ?? {} };
    expect(listJson([], { ...USUAL, files })[4]).toMatchObject({ name: "web2", since: "2026-11-22T00:45:36Z" });
  });

  test("reads no file outside libvirt's directory, whatever a domain is called", () => {
    const name = "../../../tmp/x";
    const system = new FakeLibvirtd({ domains: [domain(0, { name, id: 1 })] });
    const pid = { "/run/libvirt/qemu/../../../tmp/x.pid": { text: "174", mode: 0o100644 } };
    expect(listJson([], { system, files: { ...FILES, ...pid } })[0]).toMatchObject({ name, since: null });
  });
});

describe("pinned", () => {
  const pinned = (files: Record<string, FakeFile>) => run(["--json"], { ...USUAL, files: { ...FILES, ...files } });
  const isPinned = (text: string) => JSON.parse(text)[3].pinned;

  test.each<[string, Record<string, FakeFile>, boolean]>([
    ["for a pin of the user's", {}, true],
    ["not for a key that is revoked", { [`${HOSTS}/${uuidOf(0)}`]: file(`@revoked * ${KEY}\n`) }, false],
    [
      "for a pin of the administrator's",
      {
        "/etc/virtssh/hosts": directory(0, 0o755),
        [`/etc/virtssh/hosts/${uuidOf(0)}`]: file(`* ${KEY}\n`, 0),
        [`${HOSTS}/${uuidOf(0)}`]: file(""),
      },
      true,
    ],
    [
      "for certificates of the administrator's",
      {
        "/etc/virtssh/hosts": directory(0, 0o755),
        [`/etc/virtssh/hosts/${uuidOf(0)}`]: file(`@cert-authority * ${KEY}\n`, 0),
        [`${HOSTS}/${uuidOf(0)}`]: file(""),
      },
      true,
    ],
  ])("is true %s", (_, files, expected) => {
    const { stdout, stderr } = pinned(files);
    expect(stderr).toBe("");
    expect(isPinned(stdout)).toBe(expected);
  });

  test("is unknown of a domain whose pins cannot be read, which is said", () => {
    const { status, stdout, stderr } = pinned({ [`${HOSTS}/${uuidOf(0)}`]: file("rubbish\n") });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^virtssh: warning: .*\nvirtssh: hint: .*\n$/);
    expect(JSON.parse(stdout).map((one: { pinned: unknown }) => one.pinned)).toEqual([
      false,
      false,
      false,
      null,
      false,
    ]);
  });

  test("is unknown of all where others may write to the pins, which is said once", () => {
    const { status, stdout, stderr } = pinned({ [HOSTS]: directory(1000, 0o777) });
    expect(status).toBe(0);
    expect(stderr.match(/warning/g)).toEqual(["warning"]);
    expect(JSON.parse(stdout).every((one: { pinned: unknown }) => one.pinned === null)).toBe(true);
  });
});

describe("daemons", () => {
  const silent = new FakeLibvirtd({ misbehaves: { [PROC.getAllDomainStats]: "is silent" } });

  test.each<[string, FakeSystemOptions, [string, RegExp]]>([
    ["may not be asked", { sockets: { [SYSTEM_SOCKET]: EACCES } }, ["socket-permission", /^.*\nweb2 +session .*\n$/]],
    ["do not answer", { session: silent }, ["daemon-silent", /\nweb2 .*\nweb10 +system .* answers .*\n$/]],
  ])("that %s are an error, once the other's guests are listed", (_, options, [kind, table]) => {
    const sys = new FakeSystem({ ...USUAL, ...options });
    expect(failureOf(() => runWords(["list"], sys))).toMatchObject({ kind });
    expect(sys.written(1)).toMatch(table);
  });

  test("that are not there are none", () => {
    expect(run([], { session: new FakeLibvirtd({ domains: SESSION }) }).stdout).toMatch(
      /^DOMAIN.*\nweb2 +session .*\n$/,
    );
    expect(failureOf(() => run([], {}))).toMatchObject({ kind: "no-daemon" });
  });

  test.each([
    ["at the first domain", 1],
    ["in the middle", 250],
    ["at the last domain", 500],
  ])("that close %s leave nothing half printed", (_, at) => {
    let asked = 0;
    const domains = Array.from({ length: 500 }, (_, index) => ({ name: `vm${index}`, cid: index + 3 }));
    const misbehaves: Record<number, "closes"> = {};
    const before = (procedure: number) => {
      asked += procedure === PROC.getXmlDesc ? 1 : 0;
      if (asked === at) misbehaves[PROC.getXmlDesc] = "closes";
    };
    const sys = new FakeSystem({ system: new FakeLibvirtd({ domains, before, misbehaves }) });
    expect(failureOf(() => runWords(["list"], sys))).toMatchObject({ kind: "daemon-closed" });
    expect(sys.written(1)).toBe("");
    expect(sys.openDescriptors).toEqual([]);
  });

  test("are asked one thing about all domains, and another about each that runs", () => {
    const domains = Array.from({ length: 500 }, (_, index) => ({ name: `vm${index}`, cid: index + 3 }));
    const system = new FakeLibvirtd({ domains });
    run([], { system });
    const counts = (call: string) => system.calls.filter((one) => one.startsWith(call)).length;
    expect([counts("getAllDomainStats"), counts("getXmlDesc"), system.calls.length]).toEqual([1, 500, 504]);
  });
});
