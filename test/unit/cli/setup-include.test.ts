import fc from "fast-check";
import { expect, test } from "vitest";
import { addInclude, findInclusions, formatInclude, removeInclude } from "../../../helper/cli/setup-include.ts";
import { runs } from "../fuzz.ts";

const PATH = "/home/alice/.ssh/virtssh.conf";
const LINE = `Include ${PATH}`;

test.each([
  ["an empty file", "", `${LINE}\n`],
  ["a file without a final newline", "Host a", `${LINE}\nHost a`],
  ["global lines", "User a\nHost b\n", `${LINE}\nUser a\nHost b\n`],
  ["CRLF", "User a\r\nHost b\r\n", `${LINE}\r\nUser a\r\nHost b\r\n`],
  ["CRLF from the second line on", "User a\nHost b\r\n", `${LINE}\nUser a\nHost b\r\n`],
  ["bytes that are no UTF-8", "# \xff\xfe\x80\n", `${LINE}\n# \xff\xfe\x80\n`],
  ["our line, in a Host block", `Host a\n${LINE}\n`, `${LINE}\nHost a\n${LINE}\n`],
  ["our line, below `Match all`", `Match all\n${LINE}\n`, `${LINE}\nMatch all\n${LINE}\n`],
  ["our line, below a Match that ssh-config does not know", `Match !final\n${LINE}`, `${LINE}\nMatch !final\n${LINE}`],
  ["our line, below a quoted keyword", `"host" a\n${LINE}\n`, `${LINE}\n"host" a\n${LINE}\n`],
  ["our line, below a Host with = and CR", `\tHOST\r=a\n${LINE}\n`, `${LINE}\n\tHOST\r=a\n${LINE}\n`],
  ["our line, in a comment", `# ${LINE}\n`, `${LINE}\n# ${LINE}\n`],
  ["a line that is longer", `${LINE}.old\n`, `${LINE}\n${LINE}.old\n`],
])("addInclude() puts a line at the top of %s", (_, config, expected) => {
  expect(addInclude(config, PATH)).toBe(expected);
});

test("addInclude() makes a file that says who made it", () => {
  expect(addInclude(undefined, PATH)).toBe(`# Made by virtssh setup\n${LINE}\n`);
});

test.each([
  ["our line", LINE],
  ["our line with CRLF", `${LINE}\r\nHost a\r\n`],
  ["our line below global ones", `User a\n\n# b\n${LINE}\nHost c\n`],
  ["the path below ~", "Include ~/.ssh/virtssh.conf\n"],
  ["a path that is relative to ~/.ssh", "Include virtssh.conf\n"],
  ["other capitals, quotes, a tab and =", `\tiNCLUDE="${PATH}"\n`],
  ["other paths beside it", `Include a.conf ${PATH} "b c"\n`],
  ["a comment behind it", `Include ${PATH} # ours\n`],
])("addInclude() adds nothing to %s", (_, config) => {
  expect(addInclude(config, PATH)).toBe(config);
});

test.each([
  ["nothing of a file without it", "Host a\n", "Host a\n"],
  ["the line", `${LINE}\nHost a\n`, "Host a\n"],
  ["the line with CRLF", `${LINE}\r\nHost a\r\n`, "Host a\r\n"],
  ["the line without an end", `User a\n${LINE}`, "User a\n"],
  ["the line below lines that came later", `User a\n${LINE}\nHost b\n`, "User a\nHost b\n"],
  ["the line, and not the one in a Host block", `${LINE}\nHost a\n${LINE}\n`, `Host a\n${LINE}\n`],
  ["nothing that somebody wrote otherwise", "Include virtssh.conf\n", "Include virtssh.conf\n"],
  ["what it made, and not what came later", `# Made by virtssh setup\n${LINE}\nHost a\n`, "Host a\n"],
  ["all of a file that it made", `# Made by virtssh setup\n${LINE}\n`, undefined],
])("removeInclude() takes out %s", (_, config, expected) => {
  expect(removeInclude(config, PATH)).toBe(expected);
});

test.each([
  ["plain", PATH, LINE],
  ["with a space", "/home/al ice/.ssh/virtssh.conf", "Include ~/.ssh/virtssh.conf"],
  ["with a character of glob(3)", "/home/[a]/.ssh/virtssh.conf", "Include ~/.ssh/virtssh.conf"],
  ["with a percent sign", "/home/%a/.ssh/virtssh.conf", "Include ~/.ssh/virtssh.conf"],
  ["with a line break", "/home/a\nb/.ssh/virtssh.conf", "Include ~/.ssh/virtssh.conf"],
])("formatInclude() of a path that is %s", (_, path, line) => {
  expect(formatInclude(path)).toBe(line);
});

test("findInclusions() tells where they are, and whose", () => {
  const config = `include virtssh.conf\r\n${LINE}\nHost a\n  ${LINE}\n`;
  expect(findInclusions(config, PATH)).toEqual([
    { number: 1, text: "include virtssh.conf", isOurs: false, isConditional: false },
    { number: 2, text: LINE, isOurs: true, isConditional: false },
    { number: 4, text: `  ${LINE}`, isOurs: false, isConditional: true },
  ]);
});

/** Bytes as Latin-1, and what configurations are made of, in any order. */
const configs = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        LINE,
        "Include ",
        "virtssh.conf",
        "Host a",
        "Match all",
        "Match !final",
        "User b",
        "# Made by virtssh setup",
      ),
      fc.constantFrom("\n", "\r\n", "\n\n", "\r", " ", "\t", "=", '"', "'", "\\", "#", "*", "\0", "\xa0", "\v", "\f"),
      fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)) }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));

/** Nothing of setup's is in it. */
const isForeign = (config: string) =>
  !config.startsWith("# Made by virtssh setup\n") &&
  !findInclusions(config, PATH).some(({ isOurs, isConditional }) => isOurs && !isConditional);

test("addInclude() of its own result changes nothing", () => {
  fc.assert(
    fc.property(fc.option(configs, { nil: undefined }), (config) => {
      const once = addInclude(config, PATH);
      expect(addInclude(once, PATH)).toBe(once);
    }),
    runs(1000),
  );
});

test("removeInclude() undoes addInclude(), to the byte", () => {
  fc.assert(
    fc.property(configs.filter(isForeign), (config) => {
      expect(removeInclude(addInclude(config, PATH), PATH)).toBe(config);
    }),
    runs(1000),
  );
});

test("addInclude() adds one line and touches no byte of the rest", () => {
  fc.assert(
    fc.property(configs, (config) => {
      const added = addInclude(config, PATH);
      expect([config, `${LINE}\n${config}`, `${LINE}\r\n${config}`]).toContain(added);
    }),
    runs(1000),
  );
});

test("removeInclude() of its own result changes nothing", () => {
  fc.assert(
    fc.property(configs, (config) => {
      const once = removeInclude(config, PATH) ?? "";
      if (!once.startsWith("# Made by virtssh setup\n")) expect(removeInclude(once, PATH)).toBe(once);
    }),
    runs(1000),
  );
});
