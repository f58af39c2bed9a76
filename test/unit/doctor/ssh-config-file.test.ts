import { expect, test } from "vitest";
import { findInBlock, findInFile } from "../../../helper/doctor/ssh-config-file.ts";

const TEXT = `ControlPath ~/.ssh/%C
# ProxyCommand in a comment
Host dev
  HostName qemu/web
\tproxycommand = nc "%h" %p # x  \r
  ProxyCommandX no
match all
ProxyCommand=none
  Include other
`;

test.each([
  [0, "controlpath", [{ line: 1, value: "~/.ssh/%C" }]],
  [0, "proxycommand", []],
  [3, "proxycommand", [{ line: 5, value: 'nc "%h" %p # x' }]],
  [3, "controlpath", []],
  [7, "proxycommand", [{ line: 8, value: "none" }]],
  [99, "proxycommand", []],
])("findInBlock() from line %i finds %s", (from, keyword, found) => {
  expect(findInBlock(TEXT, from, keyword)).toEqual(found);
});

test("findInFile() looks in all blocks", () => {
  expect(findInFile(TEXT, "proxycommand").map(({ line }) => line)).toEqual([5, 8]);
  expect(findInFile("", "proxycommand")).toEqual([]);
});
