// Targets as they are written, and that they lead back to where they come from.

import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeName, formatSuffix, formatTarget, listForms, parseTarget, type Scope } from "../../helper/target.ts";
import { runs } from "./fuzz.ts";

test.each([
  ["web", "qemu:system/web"],
  ["my vm", "qemu:system/my%20vm"],
  ["100%", "qemu:system/100%25"],
  ["it's", "qemu:system/it%27s"],
  ["a@b", "qemu:system/a%40b"],
  ["a(b)", "qemu:system/a%28b%29"],
  ['$x"`\\;&<>|{},', "qemu:system/%24x%22%60%5C%3B%26%3C%3E%7C%7B%7D%2C"],
  ["Bücher", "qemu:system/Bücher"],
  ["-x", "qemu:system/-x"],
  ["\u009b\t", "qemu:system/%C2%9B%09"],
])("formatTarget() of %j is %j", (name, text) => {
  expect(formatTarget("system", name)).toBe(text);
});

/** What valid_hostname() and main() of OpenSSH 10.0's ssh.c refuse in a name on the command line, or take for a user's. */
const REFUSED_BY_SSH = /^-|[\s\p{Cc}'`"$\\;&<>|(){},@]/u;

const domainName = fc
  .string({
    unit: fc.oneof(
      fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    ),
    minLength: 1,
    maxLength: 60,
  })
  .filter((text) => !/[/\n\0\ufffd]/.test(text));

test("formatTarget() is a form that ssh accepts, does not fold, and that leads to the same domain", () => {
  fc.assert(
    fc.property(domainName, fc.constantFrom("system", "session"), (name, scope) => {
      const text = formatTarget(scope, name);
      fc.pre(Buffer.byteLength(text) <= 255);
      expect(text).not.toMatch(REFUSED_BY_SSH);
      expect(text).toContain(":"); // which keeps ssh from folding it
      const target = parseTarget(text);
      if (target.kind !== "domain") throw new Error("not a domain");
      expect(target).toMatchObject({ scope, folded: false });
      expect(decodeName(target.name) ?? target.name).toBe(name);
    }),
    runs(1000),
  );
});

test("formatTarget() of a long name whose escapes are longer than a name may be still leads to the domain", () => {
  const name = "$".repeat(100);
  const target = parseTarget(formatTarget("system", name));
  expect(target.kind === "domain" && decodeName(target.name)).toBe(name);
});

test.each<[string, Scope, string]>([
  ["web", "system", "web.system.qemu"],
  ["Web", "session", "Web.session.qemu"],
  ["a.b", "any", "a.b.qemu"],
  ["my vm", "system", "my%20vm.system.qemu"],
  ["100%", "system", "100%25.system.qemu"],
  ["it's", "system", "it%27s.system.qemu"],
  ["a@b:c/", "system", "a%40b%3Ac%2F.system.qemu"],
  ["[a]*?~!", "system", "%5Ba%5D%2A%3F%7E%21.system.qemu"],
  ["-rf", "system", "%2Drf.system.qemu"],
  ["a-b", "system", "a-b.system.qemu"],
  ["Bücher", "system", "Bücher.system.qemu"],
  ["a\u202eb", "system", "a%E2%80%AEb.system.qemu"],
  // What would be read as another form.
  ["qemu vm", "system", "%71emu%20vm.system.qemu"],
  ["QEMU-Session x", "system", "%51EMU-Session%20x.system.qemu"],
  ["vsock 7", "system", "%76sock%207.system.qemu"],
  ["qemu-ga", "system", "qemu-ga.system.qemu"],
  ["web.system", "any", "web%2Esystem.qemu"],
  ["web.SESSION", "any", "web%2ESESSION.qemu"],
  ["web.system", "session", "web.system.session.qemu"],
])("formatSuffix() of %j in %s is %j", (name, scope, text) => {
  expect(formatSuffix(scope, name)).toBe(text);
});

test("listForms() are the forms with a prefix, and the one with a suffix", () => {
  expect(listForms("any", "my vm")).toEqual(["qemu/my%20vm", "qemu%my%20vm", "my%20vm.qemu"]);
  expect(listForms("system", "web")).toEqual(["qemu:system/web", "qemu-system%web", "web.system.qemu"]);
  expect(listForms("session", "web")).toEqual(["qemu:session/web", "qemu-session%web", "web.session.qemu"]);
});

/** Names that begin or end as a form does, among others. */
const trickyName = fc.oneof(
  domainName,
  fc
    .tuple(
      fc.constantFrom("", "qemu", "QEMU-system", "qemu-session", "vsock", "-", "."),
      fc.constantFrom("", " ", "%", "%20", ":", "@", "web"),
      fc.constantFrom("", ".system", ".Session", ".qemu", ".", "ü"),
    )
    .map((parts) => parts.join(""))
    .filter((name) => name !== ""),
);

/** The scope and the name that a form leads to; what is wrong with it, where no ssh or shell would take it as it is. */
function readForm(form: string): readonly [string, string] {
  if (!/^[\p{L}\p{N}._%:/-]+$/u.test(form) || REFUSED_BY_SSH.test(form)) return ["refused", form];
  const target = parseTarget(form);
  return target.kind === "domain" ? [target.scope, decodeName(target.name) ?? target.name] : [target.kind, form];
}

test("listForms() are all forms that ssh and a shell accept as they are, and that lead to the same domain", () => {
  fc.assert(
    fc.property(trickyName, fc.constantFrom<Scope>("any", "system", "session"), (name, scope) => {
      const wanted = [scope, name];
      expect(listForms(scope, name).map(readForm)).toEqual([wanted, wanted, wanted]);
    }),
    runs(500),
  );
});
