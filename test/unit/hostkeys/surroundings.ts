// A user whose ssh asks about the guest of "web": what there is before that, and what is pinned and left in files.

import type { FakeFile } from "../../fakes/fake-files.ts";
import { describeProcess } from "../../fakes/fake-process.ts";
import { FakeSystem, type FakeSystemOptions, PARENT_ID } from "../../fakes/fake-system.ts";

export const UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";

export const RUNTIME = "/run/user/1000";
export const RECORDS = `${RUNTIME}/virtssh`;
export const STATE = "/home/user/.local/state/virtssh";
export const HOSTS = `${STATE}/hosts`;
export const PINS = `${HOSTS}/${UUID}`;
export const ADMIN_PINS = `/etc/virtssh/hosts/${UUID}`;

export const STARTED = 567_890;
export const SSH = { pid: PARENT_ID, startTime: STARTED, program: "ssh" };

/** Where ssh's record is. */
export const RECORD = `${RECORDS}/4711-567890`;

export const directory = (uid = 1000, mode = 0o700): FakeFile => ({ mode: 0o040000 | mode, uid, gid: uid });
export const file = (text: string, uid = 1000, mode = 0o600): FakeFile => ({
  text,
  mode: 0o100000 | mode,
  uid,
  gid: uid,
});

/** What leaveRecord() writes. */
export const recordOf = (change: object = {}) =>
  JSON.stringify({
    uri: "qemu:///system",
    name: "web",
    uuid: UUID,
    id: 3,
    cid: 7,
    port: 22,
    program: "ssh",
    stack: "1407",
    ...change,
  });

const FILES: Readonly<Record<string, FakeFile>> = {
  "/": directory(0, 0o755),
  "/etc": directory(0, 0o755),
  "/etc/passwd": file("root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n", 0, 0o644),
  "/home": directory(0, 0o755),
  "/home/user": directory(),
  "/root": directory(0),
  "/run": directory(0, 0o755),
  "/run/user": directory(0, 0o755),
  [RUNTIME]: directory(),
  ...describeProcess(SSH),
};

export function makeSystem(options: FakeSystemOptions = {}): FakeSystem {
  return new FakeSystem({ ...options, files: { ...FILES, ...options.files } });
}

/** With the record that `proxy` has left for ssh. */
export const LEFT = { [RECORDS]: directory(), [RECORD]: file(recordOf()) };

/** The directories of pins. */
export const STORE = {
  "/home/user/.local": directory(),
  "/home/user/.local/state": directory(),
  [STATE]: directory(),
  [HOSTS]: directory(),
};

export const HEADER = `# The host keys of one libvirt domain, by which its guest is known again. "virtssh trust" shows them, and forgets them.\n`;
