import { expect, test } from "vitest";
import { fillTokens, splitCommand } from "../../../helper/doctor/command-words.ts";

test.each([
  ["", []],
  ["/usr/bin/virtssh known-hosts -- %I\t %t ", ["/usr/bin/virtssh", "known-hosts", "--", "%I", "%t"]],
  ["'/opt/a b/virtssh' x", ["/opt/a b/virtssh", "x"]],
  [`'/home/it'\\''s/virtssh' x`, ["/home/it's/virtssh", "x"]],
  [`"/opt/a b"/'c d'/virtssh`, ["/opt/a b/c d/virtssh"]],
  [`/opt/a\\ b/virtssh "" ''`, ["/opt/a b/virtssh", "", ""]],
  [`"a\\"b" 'a\\'b' "a'b" 'a"b'`, [`a"b`, "a'b", "a'b", `a"b`]],
  [`/a\\b/c 'a\\b' "a\\ b" a\\\\b`, ["/a\\b/c", "a\\b", "a\\ b", "a\\b"]],
  ["a #b", ["a", "#b"]],
])("splitCommand() takes %s apart as ssh does", (command, words) => {
  expect(splitCommand(command)).toEqual(words);
});

test("fillTokens() fills in what ssh knows before there is a key, and nothing in the program's path", () => {
  const words = ["/opt/100%h/virtssh", "known-hosts", "%I", "%t", "%K", "%f", "%n", "%H", "a%%b%h"];
  expect(fillTokens(words, "qemu/web")).toEqual([
    ...["/opt/100%h/virtssh", "known-hosts", "ORDER", "NONE", "NONE", "NONE", "qemu/web", "qemu/web", "a%bqemu/web"],
  ]);
});
