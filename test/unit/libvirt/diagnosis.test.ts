import { expect, test } from "vitest";
import {
  countConnections,
  diagnosePermission,
  diagnoseSilence,
  findGroupName,
  findInstalledDaemon,
} from "../../../helper/libvirt/diagnosis.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";

const PATH = "/run/libvirt/libvirt-sock-ro";
const GROUPS: FakeFile = { text: "root:x:0:\nlibvirt:x:112:user,other\nkvm:x:106:\n" };
const PERMISSION = { kind: "socket-permission", path: PATH };

test.each<[string, Record<string, FakeFile>, object]>([
  [
    "the group's alone",
    { [PATH]: { mode: 0o140770, gid: 112 }, "/etc/group": GROUPS },
    { ...PERMISSION, group: "libvirt" },
  ],
  [
    "anyone's, so a directory above it is in the way",
    { [PATH]: { mode: 0o140777, gid: 112 }, "/etc/group": GROUPS },
    PERMISSION,
  ],
  ["its owner's alone", { [PATH]: { mode: 0o140700, gid: 112 }, "/etc/group": GROUPS }, PERMISSION],
  ["a group's that may only read", { [PATH]: { mode: 0o140740, gid: 112 }, "/etc/group": GROUPS }, PERMISSION],
  ["a group's without a name", { [PATH]: { mode: 0o140770, gid: 999 }, "/etc/group": GROUPS }, PERMISSION],
  ["a group's, and no list of groups", { [PATH]: { mode: 0o140770, gid: 112 } }, PERMISSION],
  ["out of sight", { "/etc/group": GROUPS }, PERMISSION],
])("diagnosePermission() of a socket that is %s", (_, files, failure) => {
  expect(diagnosePermission(new FakeSystem({ files }), PATH)).toEqual(failure);
});

test.each([
  ["libvirt:x:112:", 112, "libvirt"],
  ["a:x:1:\nb:x:11:\nc:x:111:", 11, "b"],
  ["112:x:1:", 112, undefined],
  [":x:112:", 112, undefined],
  ["", 112, undefined],
  ["+::::", 0, undefined],
])("findGroupName() in %j of %i is %s", (groups, gid, name) => {
  expect(findGroupName(groups, gid)).toBe(name);
});

test.each([
  [["/usr/sbin/virtqemud", "/usr/sbin/libvirtd"], "virtqemud"],
  [["/usr/local/sbin/virtqemud", "/usr/sbin/libvirtd"], "virtqemud"],
  [["/usr/bin/libvirtd"], "libvirtd"],
  [[], undefined],
])("findInstalledDaemon() where there is %j is %s", (paths, daemon) => {
  const files = Object.fromEntries(paths.map((path) => [path, {}]));
  expect(findInstalledDaemon(new FakeSystem({ files }))).toBe(daemon);
});

/** As Linux 6.12 prints it: the listener, two that are served, one that waits, and sockets of others. */
const TABLE = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 20101 ${PATH}
0000000000000000: 00000003 00000000 00000000 0001 03 20102 ${PATH}
0000000000000000: 00000003 00000000 00000000 0001 03 20103 ${PATH}
0000000000000000: 00000003 00000000 00000000 0001 02     0 ${PATH}
0000000000000000: 00000003 00000000 00000000 0001 03 20104 /run/libvirt/libvirt-sock
0000000000000000: 00000003 00000000 00000000 0001 03 20105 /elsewhere${PATH}
0000000000000000: 00000003 00000000 00000000 0001 03 20106
0000000000000000: 00000002 00000000 00010000 0001 01 20107 @${PATH}
`;

test.each(
  [
    ["the socket that is asked for", TABLE, PATH, { served: 2, waiting: 1 }],
    ["another's", TABLE, "/run/libvirt/libvirt-sock", { served: 1, waiting: 0 }],
    ["none", TABLE, "/run/x", { served: 0, waiting: 0 }],
    ["an empty table", "", PATH, { served: 0, waiting: 0 }],
  ].map(([what, ...facts]) => [what, facts] as const),
)("countConnections() of %s", (_, [table, path, counts]) => {
  expect(countConnections(String(table), String(path))).toEqual(counts);
});

function table(served: number, waiting: number): FakeFile {
  const line = (state: string, inode: number) =>
    `0000000000000000: 00000003 00000000 00000000 0001 ${state} ${inode} ${PATH}\n`;
  return { text: `Num RefCount\n${line("03", 20_102).repeat(served)}${line("02", 0).repeat(waiting)}` };
}

test.each<[string, Record<string, FakeFile>, object]>([
  [
    "at its limit, while others wait",
    { "/proc/net/unix": table(20, 5) },
    { kind: "daemon-full", served: 20, waiting: 5 },
  ],
  ["at its limit, while nobody waits", { "/proc/net/unix": table(20, 0) }, { kind: "daemon-silent" }],
  ["below its limit, while we wait", { "/proc/net/unix": table(3, 1) }, { kind: "daemon-silent" }],
  ["in a system that does not tell", {}, { kind: "daemon-silent" }],
])("diagnoseSilence() of a daemon %s", (_, files, failure) => {
  expect(diagnoseSilence(new FakeSystem({ files }), PATH, 30)).toEqual({ ...failure, path: PATH, seconds: 30 });
});
