import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { formatBlock, isBlock } from "../../../helper/cli/setup-block.ts";
import { splitCommand } from "../../../helper/doctor/command-words.ts";

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

// No shell has a part in this one, and no token is looked for in the program: load_hostkeys_command() in OpenSSH's sshconnect.c.
test.each([
  ["/home/a/virtssh", "/home/a/virtssh"],
  ["/home/a b/virtssh", "'/home/a b/virtssh'"],
  ["/home/it's/virtssh", "'/home/it'\\''s/virtssh'"],
  ['/home/"a"/virtssh', "'/home/\"a\"/virtssh'"],
  ["/home/100%h/virtssh", "/home/100%h/virtssh"],
  ["/home/%%/virtssh", "/home/%%/virtssh"],
  [`/home/$&\${HOME}\`id\`/virtssh`, `'/home/$&\${HOME}\`id\`/virtssh'`],
  ["/home/a=b#c/virtssh", "'/home/a=b#c/virtssh'"],
  ["/home/ü/virtssh", "'/home/ü/virtssh'"],
])("formatBlock() quotes the program %s for ssh alone, which asks it about host keys", (program, word) => {
  const lines = formatBlock(program)?.split("\n") ?? [];
  expect(lines.filter((line) => line.includes("KnownHostsCommand"))).toEqual([
    `    KnownHostsCommand ${word} known-hosts -- %I %t %K %n`,
  ]);
  expect(splitCommand(`${word} known-hosts`)).toEqual([program, "known-hosts"]);
});

test("isBlock() knows the block of a version that left host keys to ssh", () => {
  const old = (formatBlock("/usr/bin/virtssh") ?? "").split("\n").filter((line) => !line.includes("KnownHosts"));
  expect(isBlock(old.join("\n"))).toBe(true);
});

test.each([["/home/a\nb/virtssh"], ["/home/a\u001b/virtssh"], ["/home/a\\b/virtssh"], ["/home/\ufffd/virtssh"]])(
  "formatBlock() has none for %j",
  (program) => {
    expect(formatBlock(program)).toBeUndefined();
  },
);
