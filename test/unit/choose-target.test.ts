// Never the wrong guest: which of %n and %h of ssh's says what was meant.

import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseTarget, lowerAscii, parseTarget, type Scope, type Target } from "../../helper/target.ts";
import { failureOf } from "./failure-of.ts";
import { runs } from "./fuzz.ts";

const UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";

/** What ssh hands over: its %n, where the command line has it, and its %h. */
interface Handed {
  readonly typed: string | undefined;
  readonly host: string;
}

/** What ssh makes of a name for %h: OpenSSH's ssh.c, main(). */
function foldAsSsh(name: string): string {
  return /[%:]/.test(name) ? name : lowerAscii(name);
}

const domain = (scope: Scope, name: string, how: "as typed" | "folded" = "as typed"): Target => {
  return { kind: "domain", scope, name, folded: how === "folded" };
};

// What ssh hands over (%n, %h), and the one guest that it can mean.
test.each<[string, Handed, Target]>([
  ["no %n: a person wrote it", { typed: undefined, host: "qemu/Web" }, domain("any", "Web")],
  ["no %n, in lower case", { typed: undefined, host: "qemu/web" }, domain("any", "web")],
  ["the same", { typed: "qemu/web", host: "qemu/web" }, domain("any", "web")],
  ["the same but for case", { typed: "qemu/Web", host: "qemu/web" }, domain("any", "Web")],
  ["the same but for case, in the syntax too", { typed: "QEMU/WEB", host: "qemu/web" }, domain("any", "WEB")],
  [
    "the same but for case, with a suffix",
    { typed: "Web.System.QEMU", host: "web.system.qemu" },
    domain("system", "Web"),
  ],
  ["the same, with a colon", { typed: "qemu:system/Web", host: "qemu:system/Web" }, domain("system", "Web")],
  ["the same, with a percent sign", { typed: "qemu%Web", host: "qemu%Web" }, domain("any", "Web")],
  ["an alias for a target", { typed: "dev", host: "qemu/web" }, domain("any", "web", "folded")],
  ["an alias for a target with a colon", { typed: "dev", host: "qemu:system/Web" }, domain("system", "Web")],
  ["an alias for a target with a percent sign", { typed: "dev", host: "qemu%Web" }, domain("any", "Web")],
  [
    "an alias for a target in lower case with a colon",
    { typed: "dev", host: "qemu:system/web" },
    domain("system", "web"),
  ],
  ["an alias for a target with a suffix", { typed: "dev", host: "web.qemu" }, domain("any", "web", "folded")],
  ["an alias for a name with an escape", { typed: "dev", host: "my%20VM.qemu" }, domain("any", "my%20VM")],
  ["an alias for a target that kept its capitals", { typed: "dev", host: "qemu/Web" }, domain("any", "Web")],
  ["an alias for an ID", { typed: "dev", host: "qemu/42" }, domain("any", "42")],
  ["an alias for a UUID", { typed: "dev", host: `qemu/${UUID}` }, domain("any", UUID, "folded")],
  ["an alias for a name without letters", { typed: "dev", host: "qemu/7_8-9" }, domain("any", "7_8-9")],
  ["an alias for a name with other letters alone", { typed: "dev", host: "qemu/東京" }, domain("any", "東京")],
  ["an alias that is a target of its own", { typed: "qemu/db", host: "qemu/web" }, domain("any", "web", "folded")],
  [
    "an alias that is a target of its own, with a colon",
    { typed: "qemu/db", host: "qemu:system/Web" },
    domain("system", "Web"),
  ],
  [
    "an alias that names the same domain elsewhere",
    { typed: "web.session.qemu", host: "qemu:system/web" },
    domain("system", "web"),
  ],
  [
    "an alias that is the target in other words",
    { typed: "Web.qemu", host: "qemu/web" },
    domain("any", "web", "folded"),
  ],
  ["an alias that begins like the target", { typed: "qemu/web2", host: "qemu/web" }, domain("any", "web", "folded")],
  ["an alias that is a CID", { typed: "vsock/9", host: "qemu/web" }, domain("any", "web", "folded")],
  ["an alias for a CID", { typed: "qemu/web", host: "vsock/9" }, { kind: "vsock", cid: 9 }],
  ["a target with an address for HostName", { typed: "qemu/Web", host: "10.0.0.1" }, domain("any", "Web")],
  [
    "a target with another name for HostName",
    { typed: "Web.system.qemu", host: "web.example.org" },
    domain("system", "Web"),
  ],
  ["an empty %n", { typed: "", host: "qemu/web" }, domain("any", "web", "folded")],
  [
    "equal but for case outside ASCII, which ssh does not fold",
    { typed: "qemu/Ü", host: "qemu/ü" },
    domain("any", "ü"),
  ],
])("chooseTarget() of %s: %j", (_, { typed, host }, target) => {
  expect(chooseTarget(host, typed)).toEqual(target);
});

test.each([
  ["neither is a target", { typed: "dev", host: "web.example.org" }, "web.example.org"],
  ["neither is one, and they are the same but for case", { typed: "Dev", host: "dev" }, "Dev"],
  ["both say nothing", { typed: "", host: "" }, ""],
  ["%h names no form, %n no domain", { typed: "qemu/", host: "dev" }, "dev"],
])("chooseTarget() refuses where %s: %j", (_, { typed, host }, text) => {
  expect(failureOf(() => chooseTarget(host, typed))).toMatchObject({ kind: "bad-target", text });
});

const name = fc.stringMatching(/^[A-Za-z0-9._%:-]{1,12}$/);
const target = fc
  .tuple(fc.constantFrom("qemu/", "QEMU/", "qemu:system/", "qemu%", "Qemu-Session%"), name)
  .map((parts) => parts.join(""));
const suffixed = fc.tuple(name, fc.constantFrom(".qemu", ".System.Qemu")).map((parts) => parts.join(""));
const typedTarget = fc.oneof(target, suffixed).filter((text) => !text.startsWith("."));

test("a target that is typed is taken to the letter", () => {
  fc.assert(
    fc.property(typedTarget, (typed) => {
      expect(chooseTarget(foldAsSsh(typed), typed)).toEqual(parseTarget(typed));
    }),
    runs(1000),
  );
});

test("an alias is never taken for its target, and a name that ssh has changed is known for folded", () => {
  fc.assert(
    fc.property(typedTarget, fc.oneof(typedTarget, name), (hostName, alias) => {
      fc.pre(lowerAscii(alias) !== lowerAscii(hostName));
      const meant = parseTarget(hostName);
      const chosen = chooseTarget(foldAsSsh(hostName), alias);
      if (meant.kind !== "domain" || chosen.kind !== "domain") throw new Error("not a domain");
      expect(chosen.scope).toBe(meant.scope);
      expect(chosen.name).toBe(chosen.folded ? lowerAscii(meant.name) : meant.name);
    }),
    runs(1000),
  );
});
