import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HostKey } from "../../../helper/hostkeys/host-key.ts";
import {
  addPin,
  changeFacts,
  formatLine,
  PinFileError,
  parsePins,
  removePins,
} from "../../../helper/hostkeys/pin-file.ts";
import { CA, findKey, KEYS } from "../../fixtures/host-keys.ts";
import { runs } from "../fuzz.ts";
import { HEADER } from "./surroundings.ts";

const { type: ED, text: ED_TEXT } = findKey("Ed25519").key;
const { type: RSA, text: RSA_TEXT } = findKey("RSA of 1024 bits").key;
const ED25519: HostKey = { type: ED, text: ED_TEXT };

const FIRST = "2026-11-22T05:48:36Z";
const LAST = "2026-11-23T10:00:00Z";
const FACTS = { name: "web", port: 22, firstSeen: FIRST, lastSeen: LAST };
const COMMENT = `# domain "web", port 22, first seen ${FIRST}, last seen ${LAST}`;

const ONE = `${HEADER}${COMMENT}\n* ${ED} ${ED_TEXT}\n`;

test.each<[string, string, object]>([
  ["one of ours", `${COMMENT}\n* ${ED} ${ED_TEXT}`, { key: ED25519, line: 1, facts: FACTS }],
  ["one without a comment", `* ${ED} ${ED_TEXT}`, { key: ED25519, line: 0 }],
  ["one for a host of any name", `web.example,[10.0.0.1]:22 ${ED} ${ED_TEXT}`, { key: ED25519, line: 0 }],
  ["one for a hashed name", `|1|aGVsbG8=|d29ybGQ= ${ED} ${ED_TEXT}`, { key: ED25519, line: 0 }],
  ["one with words after it", `* ${ED} ${ED_TEXT} root@web made in 2026`, { key: ED25519, line: 0 }],
  ["one between tabs and spaces", ` \t*\t${ED}  ${ED_TEXT} \t\r`, { key: ED25519, line: 0 }],
  ["a signer", `@cert-authority * ${ED} ${ED_TEXT}`, { marker: "@cert-authority", key: ED25519, line: 0 }],
  ["one that is revoked", `@revoked * ${ED} ${ED_TEXT}`, { marker: "@revoked", key: ED25519, line: 0 }],
  [
    "a signer for a port",
    `${COMMENT}\n@cert-authority * ${ED} ${ED_TEXT}`,
    { marker: "@cert-authority", facts: FACTS },
  ],
  ["one behind another comment", `${COMMENT}\n# mine\n* ${ED} ${ED_TEXT}`, { key: ED25519, line: 2 }],
  ["one behind an empty line", `${COMMENT}\n\n* ${ED} ${ED_TEXT}`, { key: ED25519, line: 2 }],
])("parsePins() reads %s", (_, text, pin) => {
  const [first, ...others] = parsePins(text);
  expect(first).toMatchObject(pin);
  expect(first?.facts).toEqual("facts" in pin ? pin.facts : undefined);
  expect(others).toEqual([]);
});

test.each([
  ["no port", `# domain "web", first seen ${FIRST}, last seen ${LAST}`],
  ["no day", `# domain "web", port 22, first seen ${FIRST}, last seen today`],
  ["more behind it", `${COMMENT} or so`],
  ["a name without quotes", COMMENT.replaceAll('"', "")],
  ["a quote too many", COMMENT.replace('"web"', '"we"b"')],
  ["an indentation", ` ${COMMENT}`],
])("parsePins() takes a comment with %s for one of the user's own", (_, comment) => {
  expect(parsePins(`${comment}\n* ${ED} ${ED_TEXT}`)[0]?.facts).toBeUndefined();
});

test.each(["", "\n", "\n\n", HEADER, "# a\n \t# b\n \t\r\n"])("parsePins() finds none in %j", (text) => {
  expect(parsePins(text)).toEqual([]);
});

test.each<[string, string, number]>([
  ["of words", "no key\n", 1],
  ["of a private key", `${ONE}-----BEGIN OPENSSH PRIVATE KEY-----\n`, 4],
  ["without a host", `${ED} ${ED_TEXT}`, 1],
  ["without a key", `# a\n\n* ${ED}\n`, 3],
  ["with a key that is cut short", `* ${ED} ${ED_TEXT.slice(0, -8)}A\n`, 1],
  ["with a key of another type", `* ${RSA} ${ED_TEXT}\n`, 1],
  ["with a marker that ssh does not know", `@trusted * ${ED} ${ED_TEXT}\n`, 1],
  ["with two markers", `@revoked @cert-authority * ${ED} ${ED_TEXT}\n`, 1],
  ["of NUL bytes", `${ONE}\0\0\0\0`, 4],
  ["of half a conflict", `<<<<<<< HEAD\n${ONE}`, 1],
])("parsePins() refuses a line %s, by its number", (_, text, line) => {
  expect(() => parsePins(text)).toThrow(expect.objectContaining({ constructor: PinFileError, line }));
});

test("addPin() begins a file with words about it", () => {
  expect(addPin(undefined, ED25519, FACTS)).toBe(ONE);
  expect(addPin("", ED25519, FACTS)).toBe(ONE);
});

test.each([
  ["with its last line whole", ONE, ONE],
  ["without the last line's end", ONE.trimEnd(), ONE],
  ["with empty lines behind, which stay", `${ONE}\n\n`, `${ONE}\n\n`],
])("addPin() adds two lines to a file %s", (_, text, kept) => {
  const more = { ...FACTS, port: 2222 };
  expect(addPin(text, CA, more)).toBe(
    `${kept}# domain "web", port 2222, first seen ${FIRST}, last seen ${LAST}\n* ${CA.type} ${CA.text}\n`,
  );
});

test.each<[string, string]>([
  ['a "quoted" one', String.raw`"a \"quoted\" one"`],
  ["back\\slash", String.raw`"back\\slash"`],
  ["\u202etxt.exe", String.raw`"\u202etxt.exe"`],
  ["\u001b[31m\u0007", String.raw`"\u001b[31m\u0007"`],
  ["\u0000\u007f\u009b", String.raw`"\u0000\u007f\u009b"`],
  ["\u2028\u2029\u0085", String.raw`"\u2028\u2029\u0085"`],
  ["ü🙂", String.raw`"\u00fc\ud83d\ude42"`],
  ["\ud800", String.raw`"\ud800"`],
  ['", port 1, first seen 2000-01-01T00:00:00Z', String.raw`"\", port 1, first seen 2000-01-01T00:00:00Z"`],
  [`\n* ${ED} ${ED_TEXT}`, `"\\n* ${ED} ${ED_TEXT}"`],
])("addPin() writes the name %j in ASCII and on its line", (name, quoted) => {
  const text = addPin(undefined, ED25519, { ...FACTS, name });
  expect(text).toBe(ONE.replace('"web"', () => quoted));
  expect(parsePins(text)[0]?.facts?.name).toBe(name);
});

const anyKey = fc.constantFrom(...KEYS.map(({ key }) => key));

const anyName = fc.oneof(
  fc.string({ unit: "binary", maxLength: 255 }),
  fc
    .array(fc.constantFrom('"', "\\", "\n", "\r", "\0", "\u001b", "\u202e", "\ud800", "\udc00", ",", "#", "@"), {
      maxLength: 255,
    })
    .map((characters) => characters.join("")),
);

const anyTime = fc
  .integer({ min: 0, max: 2 ** 33 })
  .map((time) => `${new Date(time * 1000).toISOString().slice(0, 19)}Z`);

const anyPin = fc.record({
  key: anyKey,
  facts: fc.record({ name: anyName, port: fc.nat(65_535), firstSeen: anyTime, lastSeen: anyTime }),
});

/** Lines that somebody else may have written. */
const anyOther = fc.constantFrom(
  "",
  "# mine",
  " \t",
  `web ${ED} ${ED_TEXT} mine`,
  `@revoked * ${RSA} ${RSA_TEXT}\r`,
  COMMENT,
  HEADER.trim(),
);

const anyFile = fc
  .array(
    fc.oneof(
      anyOther,
      anyPin.map(({ key, facts }) => addPin("#", key, facts).slice(2, -1)),
    ),
    { maxLength: 6 },
  )
  .map((lines) => lines.join("\n"));

describe("for any domain's name and any file", () => {
  test("parsePins() reads what addPin() has written, and that is ASCII", () => {
    fc.assert(
      fc.property(fc.array(anyPin, { minLength: 1, maxLength: 4 }), (pins) => {
        const text = pins.reduce<string | undefined>((before, { key, facts }) => addPin(before, key, facts), undefined);
        expect(text).toMatch(/^[\n -~]*$/);
        expect(parsePins(text ?? "")).toEqual(pins.map((pin, index) => ({ ...pin, line: 2 + index * 2 })));
      }),
      runs(200),
    );
  });

  test("addPin() keeps every line that was there, and adds one pin", () => {
    fc.assert(
      fc.property(anyFile, anyPin, (text, { key, facts }) => {
        const before = parsePins(text);
        const after = addPin(text, key, facts);
        expect(after.startsWith(text)).toBe(true);
        expect(parsePins(after).slice(0, -1)).toEqual(before);
        expect(parsePins(after).at(-1)).toMatchObject({ key, facts });
      }),
      runs(300),
    );
  });

  test("changeFacts() changes one comment and no other byte", () => {
    fc.assert(
      fc.property(anyFile, anyName, fc.nat(), (text, name, choice) => {
        const pins = parsePins(text);
        const pin = pins[choice % Math.max(1, pins.length)];
        if (pin === undefined) return;
        const changed = changeFacts(text, pin, { name, lastSeen: LAST });
        const [old, now] = [text.split("\n"), changed.split("\n")];
        const others = (lines: readonly string[]) => lines.filter((_, index) => index !== pin.line - 1);
        expect(others(now)).toEqual(others(old));
        if (pin.facts === undefined) expect(changed).toBe(text);
        else
          expect(parsePins(changed)).toEqual(
            pins.map((one) => (one === pin ? { ...pin, facts: { ...pin.facts, name, lastSeen: LAST } } : one)),
          );
      }),
      runs(300),
    );
  });

  test("removePins() takes out the keys, each with its comment, and no other byte", () => {
    fc.assert(
      fc.property(anyFile, fc.nat(), (text, choice) => {
        const pins = parsePins(text);
        const gone = pins.filter((_, index) => (choice >> index) % 2 === 1);
        const lines = new Set(gone.flatMap(({ line, facts }) => (facts === undefined ? [line] : [line - 1, line])));
        const left = removePins(text, gone);
        expect(left.split("\n").join("\n")).toBe(
          text
            .split("\n")
            .filter((_, index) => !lines.has(index))
            .join("\n"),
        );
        const keys = (some: readonly { readonly key: HostKey }[]) => some.map(({ key }) => key.text);
        expect(keys(parsePins(left))).toEqual(keys(pins.filter((pin) => !gone.includes(pin))));
      }),
      runs(300),
    );
  });

  test("parsePins() fails over nothing but a line that is no key", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), anyFile), fc.nat(300), (text, length) => {
        try {
          parsePins(text.slice(0, length));
        } catch (error) {
          if (!(error instanceof PinFileError)) throw error;
        }
      }),
      runs(500),
    );
  });
});

test("formatLine() counts for a host of any name", () => {
  expect(formatLine({ key: ED25519 })).toBe(`* ${ED} ${ED_TEXT}`);
  expect(formatLine({ marker: "@cert-authority", key: ED25519 })).toBe(`@cert-authority * ${ED} ${ED_TEXT}`);
});
