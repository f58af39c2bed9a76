import fc from "fast-check";
import { expect, test } from "vitest";
import { HelperError } from "../../helper/failure.ts";
import { parseProxyArguments } from "../../helper/proxy-arguments.ts";
import { failureOf } from "./failure-of.ts";
import { runs } from "./fuzz.ts";

const WEB = { kind: "domain", scope: "any", name: "web", folded: false } as const;
const USUAL = { target: WEB, port: 22, timeoutSeconds: 30, waits: false, handOver: "relay" } as const;

test.each([
  ["qemu/web", USUAL],
  ["qemu/web 2222", { ...USUAL, port: 2222 }],
  ["--fdpass qemu/web", { ...USUAL, handOver: "descriptor" }],
  ["qemu/web 22 --fdpass", { ...USUAL, handOver: "descriptor" }],
  ["--timeout 5 qemu/web", { ...USUAL, timeoutSeconds: 5 }],
  ["--timeout=5 qemu/web", { ...USUAL, timeoutSeconds: 5 }],
  ["--wait 60 qemu/web", { ...USUAL, timeoutSeconds: 60, waits: true }],
  ["--wait=60 --timeout 5 qemu/web", { ...USUAL, timeoutSeconds: 60, waits: true }],
  ["--typed qemu/Web qemu/web", { ...USUAL, target: { ...WEB, name: "Web" } }],
  ["--typed=qemu/Web qemu/web", { ...USUAL, target: { ...WEB, name: "Web" } }],
  ["--typed dev qemu/web", { ...USUAL, target: { ...WEB, folded: true } }],
  ["--typed a=b.qemu a=b.qemu", { ...USUAL, target: { ...WEB, name: "a=b" } }],
  ["--typed=a=b.qemu a=b.qemu", { ...USUAL, target: { ...WEB, name: "a=b" } }],
  ["--typed --fdpass qemu/web", { ...USUAL, target: { ...WEB, folded: true } }],
  ["--typed -- -- qemu/web", { ...USUAL, target: { ...WEB, folded: true } }],
  ["--fdpass --typed qemu/web -- qemu/web 22", { ...USUAL, handOver: "descriptor" }],
  ["-- -web.qemu", { ...USUAL, target: { ...WEB, name: "-web" } }],
  ["--timeout 5 --timeout 7 qemu/web", { ...USUAL, timeoutSeconds: 7 }],
  ["vsock/7", { ...USUAL, target: { kind: "vsock", cid: 7 } }],
])("parseProxyArguments() of %j", (line, expected) => {
  expect(parseProxyArguments(line.split(" "))).toEqual(expected);
});

test.each(["--help", "-h", "--fdpass --help", "qemu/web --help", "--help no-target"])(
  "parseProxyArguments() of %j asks for help",
  (line) => {
    expect(parseProxyArguments(line.split(" "))).toBeUndefined();
  },
);

test.each<[string[], object]>([
  [[], { problem: "HOST is missing" }],
  [["--fdpass"], { problem: "HOST is missing" }],
  [["--"], { problem: "HOST is missing" }],
  [["qemu/web", "22", "x"], { problem: "too many arguments after PORT" }],
  [["--typed"], { problem: "option --typed needs a value" }],
  [["qemu/web", "--timeout"], { problem: "option --timeout needs a value" }],
  [["--wat", "qemu/web"], { problem: "unknown option", word: "--wat" }],
  [["-v", "qemu/web"], { problem: "unknown option", word: "-v" }],
  [["--fdpass=yes", "qemu/web"], { problem: "unknown option", word: "--fdpass=yes" }],
  [["--help=x"], { problem: "unknown option", word: "--help=x" }],
])("parseProxyArguments() of %j is wrong usage", (words, facts) => {
  expect(failureOf(() => parseProxyArguments(words))).toEqual({ kind: "bad-usage", command: "proxy", ...facts });
});

test.each([
  [["web"], { kind: "bad-target", text: "web" }],
  [[""], { kind: "bad-target", text: "" }],
  [["-"], { kind: "bad-target", text: "-" }],
  [["--typed", "web", "dev"], { kind: "bad-target", text: "dev" }],
  [["qemu/web", "ssh"], { kind: "bad-number", what: "port", text: "ssh" }],
  [["qemu/web", "0"], { kind: "bad-number", what: "port", text: "0" }],
  [["--timeout", "0", "qemu/web"], { kind: "bad-number", what: "number of seconds", text: "0" }],
  [["--timeout=", "qemu/web"], { kind: "bad-number", what: "number of seconds", text: "" }],
])("parseProxyArguments() refuses %j", (words, facts) => {
  expect(failureOf(() => parseProxyArguments(words))).toMatchObject(facts);
});

test("parseProxyArguments() reads any words, or explains what is wrong", () => {
  const word = fc.oneof(
    fc.constantFrom("--typed", "--timeout", "--fdpass", "--", "-", "qemu/web", "web.qemu", "22", "--typed=", "-x"),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      try {
        parseProxyArguments(words);
      } catch (error) {
        expect(error).toBeInstanceOf(HelperError);
      }
    }),
    runs(1000),
  );
});
