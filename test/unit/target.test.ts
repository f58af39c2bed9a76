import fc from "fast-check";
import { expect, test } from "vitest";
import type { TargetProblem } from "../../helper/failure-facts.ts";
import { decodeName, parsePort, parseSeconds, parseTarget, type Scope } from "../../helper/target.ts";
import { failureOf } from "./failure-of.ts";
import { runs } from "./fuzz.ts";

const UUID = "4DEA22B3-1d52-d8f3-2516-782e98ab3fa0";

test.each<[string, Scope, string]>([
  ["qemu/web", "any", "web"],
  ["qemu:system/web", "system", "web"],
  ["qemu:session/web", "session", "web"],
  ["qemu%web", "any", "web"],
  ["qemu-system%web", "system", "web"],
  ["qemu-session%web", "session", "web"],
  ["web.qemu", "any", "web"],
  ["web.system.qemu", "system", "web"],
  ["web.session.qemu", "session", "web"],
  // Capitals: none in the syntax, all in the name.
  ["QEMU/Web", "any", "Web"],
  ["Qemu:System/WEB", "system", "WEB"],
  ["qemu:SESSION/wEb", "session", "wEb"],
  ["QEMU-System%Web", "system", "Web"],
  ["Web.QEMU", "any", "Web"],
  ["Web.System.Qemu", "system", "Web"],
  // Names that look like something else.
  ["qemu/a.b.example.org", "any", "a.b.example.org"],
  ["a.b.example.org.qemu", "any", "a.b.example.org"],
  ["qemu/web.qemu", "any", "web.qemu"],
  ["qemu/web.system.qemu", "any", "web.system.qemu"],
  ["qemu%web.session.qemu", "any", "web.session.qemu"],
  ["web.system.system.qemu", "system", "web.system"],
  ["web.qemu.qemu", "any", "web.qemu"],
  ["system.qemu", "any", "system"],
  ["qemu.qemu", "any", "qemu"],
  ["qemu/qemu", "any", "qemu"],
  ["qemu/qemu%web", "any", "qemu%web"],
  ["qemu:system/vsock%7", "system", "vsock%7"],
  ["vsock.qemu", "any", "vsock"],
  ["qemu/42", "any", "42"],
  ["42.qemu", "any", "42"],
  [`qemu/${UUID}`, "any", UUID],
  [`${UUID}.system.qemu`, "system", UUID],
  // Escapes are for whoever looks the name up: a domain may bear them.
  ["qemu/my%20vm", "any", "my%20vm"],
  ["qemu%my%20vm", "any", "my%20vm"],
  ["my%20vm.qemu", "any", "my%20vm"],
  ["qemu%db1", "any", "db1"],
  ["qemu-system%41", "system", "41"],
  // What libvirt takes.
  ["qemu/Bücher 東京 🙂", "any", "Bücher 東京 🙂"],
  ["Bücher.qemu", "any", "Bücher"],
  ["qemu/-rf", "any", "-rf"],
  ["qemu/ ", "any", " "],
  ["qemu/a:b@c*?[]{}$'\"\\", "any", "a:b@c*?[]{}$'\"\\"],
  ["qemu/\t\r\u001b\u009b\u202e", "any", "\t\r\u001b\u009b\u202e"],
  ["qemu/..", "any", ".."],
  [`qemu/${"a".repeat(255)}`, "any", "a".repeat(255)],
  [`${"a".repeat(255)}.qemu`, "any", "a".repeat(255)],
  [`qemu/${"ü".repeat(127)}a`, "any", `${"ü".repeat(127)}a`],
])("parseTarget() reads %j", (text, scope, name) => {
  expect(parseTarget(text)).toEqual({ kind: "domain", scope, name, folded: false });
});

test.each([
  ["vsock/7", 7],
  ["vsock%7", 7],
  ["VSOCK/7", 7],
  ["Vsock%0007", 7],
  ["vsock/1", 1],
  ["vsock/4294967294", 4_294_967_294],
])("parseTarget() reads %j", (text, cid) => {
  expect(parseTarget(text)).toEqual({ kind: "vsock", cid });
});

const noForm: TargetProblem = { is: "no-form" };
const noName: TargetProblem = { is: "no-name" };
const badCid = (cid: string): TargetProblem => ({ is: "bad-cid", cid });
const unknownPrefix = (prefix: string): TargetProblem => ({ is: "unknown-prefix", prefix });
const badCharacter = (character: string): TargetProblem => ({ is: "bad-character", character });
const tooLong = (bytes: number): TargetProblem => ({ is: "too-long", bytes, maxBytes: 255 });

const REFUSED: readonly [string, TargetProblem][] = [
  ["", { is: "empty" }],
  ["web", noForm],
  ["web.example.org", noForm],
  ["qemu", noForm],
  ["qemu:system", noForm],
  ["webqemu", noForm],
  ["/web", noForm],
  ["%web", noForm],
  ["/web.qemu", noForm],
  ["qemu:sytem/web", unknownPrefix("qemu:sytem")],
  ["qemu-system/web", unknownPrefix("qemu-system")],
  ["qemu:system%web", unknownPrefix("qemu:system")],
  ["xen/web", unknownPrefix("xen")],
  ["qemu///web", badCharacter("/")],
  ["qemu:///system/web", unknownPrefix("qemu:")],
  [" qemu/web", unknownPrefix(" qemu")],
  ["web/x.qemu", unknownPrefix("web")],
  ["constructor/web", unknownPrefix("constructor")],
  ["__proto__/web", unknownPrefix("__proto__")],
  ["qemu/", noName],
  ["qemu%", noName],
  ["qemu:session/", noName],
  [".qemu", noName],
  [".system.qemu", noName],
  [".session.qemu", noName],
  ["qemu/a/b", badCharacter("/")],
  ["qemu%a/b", badCharacter("/")],
  ["qemu/a\nb", badCharacter("\n")],
  ["a\nb.qemu", badCharacter("\n")],
  ["qemu/a\0b", badCharacter("\0")],
  [`qemu/${"a".repeat(256)}`, tooLong(256)],
  [`qemu/${"ü".repeat(128)}`, tooLong(256)],
  [`qemu/${"東".repeat(86)}`, tooLong(258)],
  [`qemu/${"🙂".repeat(64)}`, tooLong(256)],
  // Escapes make a name longer, but are decoded once alone.
  [`qemu/${"%24".repeat(256)}`, tooLong(768)],
  [`qemu/%${"25".repeat(300)}`, tooLong(601)],
  ["qemu/b\ufffdcher", { is: "not-utf8" }],
  ["qemu/b\ud800cher", { is: "not-utf8" }],
  ["vsock/", badCid("")],
  ["vsock/0", badCid("0")],
  ["vsock/4294967295", badCid("4294967295")],
  ["vsock/99999999999", badCid("99999999999")],
  ["vsock/-1", badCid("-1")],
  ["vsock/7 ", badCid("7 ")],
  ["vsock/0x7", badCid("0x7")],
  ["vsock/1e3", badCid("1e3")],
  ["vsock/٧", badCid("٧")],
  ["vsock%web", badCid("web")],
];

test.each(REFUSED.map(([text, problem]) => [text.slice(0, 40), text, problem] as const))(
  "parseTarget() refuses %j",
  (_, text, problem) => {
    expect(failureOf(() => parseTarget(text))).toEqual({ kind: "bad-target", text, problem });
  },
);

test("parseTarget() is through with a long name of escapes in no time", () => {
  const startedMs = performance.now();
  expect(failureOf(() => parseTarget(`qemu/%${"25".repeat(10_000)}`))).toMatchObject({ kind: "bad-target" });
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});

const targetLike = fc
  .tuple(
    fc.constantFrom("", "qemu/", "qemu:system/", "QEMU%", "qemu-session%", "vsock/", "vsock%", "xen/", "/", "%"),
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string(),
      fc.stringMatching(/^[0-9]{1,11}$/),
      fc.constantFrom("web", "a%20b"),
    ),
    fc.constantFrom("", ".qemu", ".system.qemu", ".SESSION.qemu"),
  )
  .map((parts) => parts.join(""));

test("parseTarget() reads any text, or refuses it as a bad target", () => {
  fc.assert(
    fc.property(targetLike, (text) => {
      try {
        const target = parseTarget(text);
        if (target.kind === "vsock") expect(Number.isInteger(target.cid) && target.cid > 0).toBe(true);
        else expect(text).toContain(target.name);
      } catch (error) {
        expect(error).toMatchObject({ failure: { kind: "bad-target", text } });
      }
    }),
    runs(2000),
  );
});

test.each([
  ["web", undefined],
  ["my%20vm", "my vm"],
  ["%41", "A"],
  ["%c3%bc", "ü"],
  ["%C3%BC", "ü"],
  ["100%25", "100%"],
  ["%2541", "%41"],
  ["%", undefined],
  ["100%", undefined],
  ["%4", undefined],
  ["%zz", undefined],
  ["%ff", undefined],
  ["%ed%a0%80", undefined],
  ["a%2fb", undefined],
  ["a%0ab", undefined],
  ["a%00b", undefined],
  ["a+b%20", "a+b "],
])("decodeName() of %j is %j", (name, decoded) => {
  expect(decodeName(name)).toBe(decoded);
});

test.each([
  ["1", 1],
  ["22", 22],
  ["022", 22],
  ["65536", 65_536],
  ["4294967294", 4_294_967_294],
])("parsePort(%j) is %j", (text, port) => {
  expect(parsePort(text)).toBe(port);
});

test.each(["", "0", "-1", "+1", " 22", "22x", "0x16", "1e3", "22.5", "4294967295", "00000000022", "٢٢", "ssh"])(
  "parsePort() refuses %j",
  (text) => {
    const range = "1 to 4294967294";
    expect(failureOf(() => parsePort(text))).toEqual({ kind: "bad-number", what: "port", text, range });
  },
);

test("parseSeconds() takes up to a day", () => {
  expect(parseSeconds("1")).toBe(1);
  expect(parseSeconds("86400")).toBe(86_400);
  for (const text of ["0", "86401", "", "1.5", "-1", "Infinity", "30s"]) {
    const failure = { kind: "bad-number", what: "number of seconds", text, range: "1 to 86400" };
    expect(failureOf(() => parseSeconds(text))).toEqual(failure);
  }
});
