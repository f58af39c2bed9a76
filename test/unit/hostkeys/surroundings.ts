// What there is around a user's pins.

import type { FakeFile } from "../../fakes/fake-files.ts";

export const directory = (uid = 1000, mode = 0o700): FakeFile => ({ mode: 0o040000 | mode, uid, gid: uid });
export const file = (text: string, uid = 1000, mode = 0o600): FakeFile => ({
  text,
  mode: 0o100000 | mode,
  uid,
  gid: uid,
});

export const HEADER = `# The host keys of one libvirt domain, by which its guest is known again. "virtssh trust" shows them, and forgets them.\n`;
