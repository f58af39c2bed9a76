import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { formatBlock, isBlock } from "../../../helper/cli/setup-block.ts";

const DROP_IN = readFileSync("ssh_config.d/25-virtssh.conf", "utf8");

test("formatBlock() of the packaged program is the drop-in, below a line of its own", () => {
  const block = formatBlock("/usr/bin/virtssh") ?? "";
  expect(block.slice(block.indexOf("\n") + 1)).toBe(DROP_IN);
  expect(isBlock(block)).toBe(true);
});

test("isBlock() does not take the drop-in itself for setup's", () => {
  expect(isBlock(DROP_IN)).toBe(false);
});

test.each([
  ["/home/a/virtssh", "/home/a/virtssh"],
  ["/home/a b/virtssh", "'/home/a b/virtssh'"],
  ["/home/it's/virtssh", "'/home/it'\\''s/virtssh'"],
  ['/home/"a"/virtssh', "'/home/\"a\"/virtssh'"],
  ["/home/100%h/virtssh", "/home/100%%h/virtssh"],
  ["/home/$&$1`id`/virtssh", "'/home/$&$1`id`/virtssh'"],
  ["/home/ü/virtssh", "'/home/ü/virtssh'"],
])("formatBlock() quotes the program %s for ssh and its shell", (program, word) => {
  const lines = formatBlock(program)?.split("\n") ?? [];
  expect(lines.filter((line) => line.includes("ProxyCommand"))).toEqual([
    `    ProxyCommand ${word} proxy --fdpass --typed '%n' -- '%h' %p`,
  ]);
});

test.each([["/home/a\nb/virtssh"], ["/home/a\u001b/virtssh"], ["/home/a\\b/virtssh"], ["/home/\ufffd/virtssh"]])(
  "formatBlock() has none for %j",
  (program) => {
    expect(formatBlock(program)).toBeUndefined();
  },
);
