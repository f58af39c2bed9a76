import { expect, test } from "vitest";
import type { Failure } from "../../helper/failure.ts";
import { HelperError } from "../../helper/failure.ts";
import { reportError, reportNotice } from "../../helper/report.ts";
import { ECONNRESET } from "../../helper/sys/errno.ts";
import { ClientGoneError, SystemError } from "../../helper/sys/system.ts";
import { FakeSystem } from "../fakes/fake-system.ts";

const DOMAIN = { name: "web", uuid: "4dea22b3-1d52-d8f3-2516-782e98ab3fa0", target: "qemu:system/web" };

const thrown = (failure: Failure) => new HelperError(failure);

test.each<[string, unknown, number, RegExp]>([
  [
    "what cannot be done",
    thrown({ kind: "bad-certificate", type: "x" }),
    1,
    /^virtssh: error: .*\nvirtssh: hint: .*\n$/,
  ],
  ["a refusal of the kernel's", new SystemError("poll", ECONNRESET), 1, /^virtssh: error: .*poll.*ECONNRESET.*\n/],
  ["a client that has gone", new ClientGoneError(), 1, /^virtssh: error: .*\n/],
  [
    "wrong usage",
    thrown({ kind: "bad-usage", problem: "too many", command: "proxy" }),
    2,
    /^virtssh: error: too many\nvirtssh: hint: .*proxy --help\n$/,
  ],
  [
    "a target that is none",
    thrown({ kind: "bad-target", text: "x", problem: { is: "no-form" } }),
    2,
    /^virtssh: error: .*"x"/,
  ],
  [
    "a number that is none",
    thrown({ kind: "bad-number", what: "port", text: "x", range: "1 to 2" }),
    2,
    /^virtssh: error: .*"x"/,
  ],
])("reportError() prints %s, and has its exit status", (...[, error, status, printed]) => {
  const sys = new FakeSystem();
  expect(reportError(error, sys)).toBe(status);
  expect([sys.written(1), sys.written(2)]).toEqual(["", expect.stringMatching(printed)]);
});

test.each<[string, unknown, string]>([
  ["an Error", new TypeError("x is not a function"), "x is not a function\n"],
  ["anything else", "words", "words\n"],
  ["nothing", undefined, "undefined\n"],
])("reportError() takes %s for a bug", (_, error, words) => {
  const sys = new FakeSystem();
  expect(reportError(error, sys)).toBe(70);
  expect(sys.written(2)).toMatch(/^virtssh: internal error: /);
  expect(sys.written(2)).toContain(words);
  expect(sys.written(2)).toMatch(/\nvirtssh: version 0\.0\.0-test; this is a bug: .*\n$/);
});

test.each<[string, Failure, "error" | "warning"]>([
  [
    "an error where ssh refuses the key",
    { kind: "host-key-changed", domain: DOMAIN, port: 22, offered: "ssh-rsa", pinned: ["ssh-rsa"] },
    "error",
  ],
  ["a warning of a key that nobody vouches for", { kind: "no-record", host: "web.qemu" }, "warning"],
  [
    "a warning of a key that is not pinned",
    { kind: "not-pinned", domain: DOMAIN, because: { kind: "no-own-directory", uid: 1000 } },
    "warning",
  ],
])("reportNotice() prints %s", (_, failure, severity) => {
  const sys = new FakeSystem();
  reportNotice(failure, sys);
  expect([sys.written(1), sys.written(2)]).toEqual([
    "",
    expect.stringMatching(`^virtssh: ${severity}: .*\nvirtssh: hint: .*\n$`),
  ]);
});

test("reportNotice() prints no line that a domain's name could fake", () => {
  const sys = new FakeSystem();
  const name = 'x"\nvirtssh: error: all is well\n\u001b[2J\u202e\ud800';
  const domain = { ...DOMAIN, name };
  reportNotice({ kind: "host-key-changed", domain, port: 22, offered: "ssh-rsa", pinned: ["ssh-rsa"] }, sys);
  expect(sys.written(2)).toMatch(/^virtssh: error: [ -~]*\nvirtssh: hint: [ -~]*\n$/);
});

test("reportError() has the exit status where nobody reads what it prints", () => {
  const sys = new FakeSystem({ streams: { 2: { takesBytes: 0 } } });
  expect(reportError(thrown({ kind: "bad-certificate", type: "x" }), sys)).toBe(1);
  expect(sys.written(2)).toBe("");
});
