// What `virtssh keys list`, `add` and `remove` make of what an agent says, beside what ../../daemon/keys.test.ts shows of a real one.

import { expect, test } from "vitest";
import type { Failure } from "../../../helper/failure.ts";
import { FakeAuthorizedKeys } from "../../fakes/fake-authorized-keys.ts";
import { FakeLibvirtd, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { known, MINE, OTHER, start, THIRD, WEB, WRITABLE } from "./keys-lab.ts";
import { runWords } from "./run.ts";

const listChanges = ({ calls }: FakeLibvirtd) => calls.filter((call) => call.startsWith("setKeys"));

interface Changed {
  readonly before: string | undefined;
  readonly text?: string;
  readonly after: string;
  readonly says: readonly string[];
}

const added = ({ listed }: typeof MINE) => `added: ${listed}`;
const present = ({ listed }: typeof MINE) => `there already: ${listed}`;
const removed = ({ listed }: typeof MINE) => `removed: ${listed}`;
const absent = ({ listed }: typeof MINE) => `not there: ${listed}`;
const JUNK = '# team\n\n  junk "\n\tno-pty ';

test.each<[string, Changed]>([
  ["the first key of an account", { before: undefined, after: MINE.line, says: [added(MINE)] }],
  ["a key behind what is there", { before: OTHER.line, after: `${OTHER.line}\n${MINE.line}`, says: [added(MINE)] }],
  [
    "a key behind junk, options, and no line's end",
    { before: `${JUNK}${OTHER.line}`, after: `${JUNK}${OTHER.line}\n${MINE.line}`, says: [added(MINE)] },
  ],
  [
    "what is missing of several",
    {
      before: MINE.line,
      text: `${OTHER.line}\n# mine\n${MINE.line}\n${THIRD.line}\n`,
      after: `${MINE.line}\n${OTHER.line}\n${THIRD.line}`,
      says: [added(OTHER), present(MINE), added(THIRD)],
    },
  ],
  [
    "a key with its options",
    {
      before: "",
      text: `from="10.0.0.1",no-pty ${MINE.line}`,
      after: `\nfrom="10.0.0.1",no-pty ${MINE.line}`,
      says: [`${added(MINE)} options: from="10.0.0.1",no-pty`],
    },
  ],
])("virtssh keys add adds %s, and a second time nothing", (_, { before, text, after, says }) => {
  const { agent, daemon, sys, run } = start({ alice: before }, text === undefined ? {} : { text });
  expect(run("add")).toBe(0);
  expect(sys.written(1)).toBe(says.map((line) => `${line}\n`).join(""));
  expect(agent.files["alice"]).toBe(after);
  const changes = listChanges(daemon).length;
  expect(run("add")).toBe(0);
  expect(sys.written(1).split("\n").slice(says.length).join("\n")).toBe(
    says.map((line) => `${line.replace(/^added/, "there already")}\n`).join(""),
  );
  expect([agent.files["alice"], listChanges(daemon).length]).toEqual([after, changes]);
});

test.each<[string, Changed]>([
  ["the only key", { before: MINE.line, after: "", says: [removed(MINE)] }],
  [
    "a key of another comment",
    { before: `${MINE.line} at home\n`, after: "", says: [removed(known(0, "mine at home"))] },
  ],
  [
    "every line of a key, and of a key alone",
    {
      before: `${MINE.line}\n${JUNK}${OTHER.line}\nno-pty ${MINE.line}\r\n#${MINE.line}`,
      after: `${JUNK}${OTHER.line}\n#${MINE.line}`,
      says: [removed(MINE)],
    },
  ],
  [
    "what is there of several",
    {
      before: `${OTHER.line}\n${MINE.line}`,
      text: `${MINE.line}\n${THIRD.line}`,
      after: OTHER.line,
      says: [removed(MINE), absent(THIRD)],
    },
  ],
])("virtssh keys remove removes %s, and a second time nothing", (_, { before, text, after, says }) => {
  const { agent, daemon, sys, run } = start({ alice: before }, text === undefined ? {} : { text });
  expect(run("remove")).toBe(0);
  expect(sys.written(1)).toBe(says.map((line) => `${line}\n`).join(""));
  expect(agent.files["alice"]).toBe(after);
  const changes = listChanges(daemon).length;
  expect(run("remove")).toBe(0);
  expect(sys.written(1).match(/^not there: /gm)).toHaveLength(
    says.length + says.filter((line) => line.startsWith("not")).length,
  );
  expect([agent.files["alice"], listChanges(daemon).length]).toEqual([after, changes]);
});

test("virtssh keys remove sends no more lines at once than libvirt takes", () => {
  const lines = Array.from({ length: 1_500 }, (_, index) => `${MINE.line} ${index}`);
  const { agent, daemon, run } = start({ alice: [...lines, OTHER.line].join("\n") });
  expect(run("remove")).toBe(0);
  expect(agent.files["alice"]).toBe(OTHER.line);
  expect(listChanges(daemon)).toHaveLength(2);
});

test.each([["list"], ["remove"]] as const)("virtssh keys %s changes nothing of an account without a file", (act) => {
  const { daemon, sys, run } = start({ alice: undefined });
  expect(run(act)).toBe(0);
  expect(sys.written(1)).toBe(act === "list" ? "" : `${absent(MINE)}\n`);
  expect(listChanges(daemon)).toEqual([]);
});

test.each([
  ["may not read", "failed to read '/home/alice/.ssh/authorized_keys': Failed to open file: Permission denied"],
  ["is not allowed to tell of", "Command guest-ssh-get-authorized-keys has been disabled: the command is not allowed"],
  ["knows no user of", "failed to lookup user 'alice': No such file or directory"],
])("virtssh keys does not take a file that the agent %s for one that is not there", (_, words) => {
  const errors = { [PROC.getKeys]: { code: 113, message: `unable to execute QEMU agent command 'x': ${words}` } };
  for (const act of ["list", "add", "remove"] as const) {
    const { daemon, run } = start({ alice: MINE.line }, { errors });
    expect(failureOf(() => run(act)).kind).toBe("agent-refused");
    expect(listChanges(daemon)).toEqual([]);
  }
});

const notChanged = (lines: "not added" | "not removed" | "others gone", count = 1): Failure => ({
  kind: "keys-not-changed",
  domain: WEB,
  user: "alice",
  lines,
  count,
});

test.each<[string, "add" | "remove", { agent: FakeAuthorizedKeys; failure: Failure; says: string }]>([
  [
    "that has not added what it says",
    "add",
    { agent: new FakeAuthorizedKeys({ alice: "" }, "adds nothing"), failure: notChanged("not added"), says: "" },
  ],
  [
    "that has not removed what it says",
    "remove",
    {
      agent: new FakeAuthorizedKeys({ alice: MINE.line }, "removes nothing"),
      failure: notChanged("not removed"),
      says: "",
    },
  ],
  [
    "that cannot remove a line with a blank in front",
    "remove",
    { agent: new FakeAuthorizedKeys({ alice: `\t${MINE.line}` }), failure: notChanged("not removed"), says: "" },
  ],
  [
    "that has lost another line with a key's coming",
    "add",
    {
      agent: new FakeAuthorizedKeys({ alice: `junk\n${OTHER.line}` }, "loses the first line"),
      failure: notChanged("others gone"),
      says: `${added(MINE)}\n`,
    },
  ],
  [
    "that has lost another line with a key's going",
    "remove",
    {
      agent: new FakeAuthorizedKeys({ alice: `junk\n${MINE.line}` }, "loses the first line"),
      failure: notChanged("others gone"),
      says: `${removed(MINE)}\n`,
    },
  ],
])("virtssh keys tells of an agent %s", (_, act, { agent, failure, says }) => {
  const { sys, run } = start(agent);
  expect(failureOf(() => run(act))).toEqual(failure);
  expect(sys.written(1)).toBe(says);
});

test.each<[string, { wanted: string; there: string; options: string }]>([
  ["that it has none of", { wanted: `no-pty ${MINE.line}`, there: MINE.line, options: "" }],
  ["that it has others of", { wanted: `no-pty ${MINE.line}`, there: `from="a" ${MINE.line}`, options: 'from="a"' }],
  ["that it has and should not", { wanted: MINE.line, there: `no-pty ${MINE.line}`, options: "no-pty" }],
])("virtssh keys add does not add a key twice for options %s, and adds the others", (_, { wanted, there, options }) => {
  const { agent, sys, run } = start({ alice: there }, { text: `${wanted}\n${OTHER.line}` });
  expect(failureOf(() => run("add"))).toEqual({
    kind: "key-has-other-options",
    domain: WEB,
    user: "alice",
    fingerprint: MINE.listed.split(" ")[1],
    options,
    file: "/keys",
  });
  const shown = options === "" ? "" : ` options: ${options}`;
  expect(sys.written(1)).toBe(`there already, with other options: ${MINE.listed}${shown}\n${added(OTHER)}\n`);
  expect(agent.files["alice"]).toBe(`${there}\n${OTHER.line}`);
});

test("virtssh keys add tells of an agent that has added a key without its options", () => {
  const agent = new FakeAuthorizedKeys({ alice: "" }, "loses options");
  const { sys, run } = start(agent, { text: `no-pty ${MINE.line}` });
  expect(failureOf(() => run("add"))).toMatchObject({ kind: "key-has-other-options", options: "" });
  expect(sys.written(1)).toBe(`there already, with other options: ${MINE.listed}\n`);
});

test("virtssh keys add is content with one line of several that has the options", () => {
  const { sys, run } = start({ alice: `no-pty ${MINE.line}\n${MINE.line}` });
  expect(run("add")).toBe(0);
  expect(sys.written(1)).toBe(`${present(MINE)}\n`);
});

test("virtssh keys add does not add so many keys that libvirt would tell of none any more", () => {
  const { daemon, run } = start({ alice: "x\n".repeat(2_048) });
  expect(failureOf(() => run("add"))).toEqual({
    kind: "bad-key-file",
    path: "/keys",
    problem: { is: "too-many", maxKeys: 0 },
  });
  expect(listChanges(daemon)).toEqual([]);
});

test.each([["list"], ["add"], ["remove"]] as const)("virtssh keys %s needs a domain, and a user's name", (act) => {
  const sys = new FakeSystem({ files: { "/keys": { text: MINE.line } } });
  const misuse = { kind: "bad-usage", command: `keys ${act}` };
  const words = (target: string, user: string) => ["keys", act, target, "--user", user];
  const rest = act === "list" ? [] : ["/keys"];
  for (const user of ["", "a\u001b[2J", "al\ufffdce", "a\nb", "x".repeat(257)]) {
    expect(failureOf(() => runWords([...words("qemu/web", user), ...rest], sys))).toMatchObject(misuse);
  }
  expect(failureOf(() => runWords([...words("vsock/7", "alice"), ...rest], sys))).toMatchObject(misuse);
  expect(failureOf(() => runWords(["keys", act, "qemu/web", ...rest], sys))).toMatchObject(misuse);
  expect(sys.log).toEqual([]);
});

test("virtssh keys takes the names of users that are odd", () => {
  const daemon = new FakeLibvirtd({
    domains: [{ name: "web" }],
    authorizedKeys: new FakeAuthorizedKeys({ "CORP\\Jane Doe's": MINE.line }),
  });
  const sys = new FakeSystem({ system: daemon, sockets: { [WRITABLE]: daemon } });
  expect(runWords(["keys", "list", "qemu/web", "--user", "CORP\\Jane Doe's"], sys)).toBe(0);
  expect(sys.written(1)).toBe(`${MINE.listed}\n`);
});

test("virtssh keys add sends nothing of a file with a private key, and asks nobody", () => {
  const { daemon, run } = start({ alice: "" }, { text: `${MINE.line}\n-----BEGIN OPENSSH PRIVATE KEY-----\n` });
  expect(failureOf(() => run("add"))).toMatchObject({ kind: "bad-key-file", problem: { is: "private-key" } });
  expect(daemon.calls).toEqual([]);
});

test.each(["shut off", "paused", "crashed", "pmsuspended", "in shutdown"] as const)(
  "virtssh keys does not ask the agent of a domain that is %s",
  (state) => {
    const { daemon, run } = start({ alice: "" }, { domain: { state } });
    expect(failureOf(() => run("add"))).toEqual({ kind: "domain-stopped", domain: WEB, state });
    expect(listChanges(daemon)).toEqual([]);
  },
);
