// Records what libvirt daemons and guests say to the program, in the form that harness.c reads.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeLibvirtd, type FakeLibvirtdOptions } from "../fakes/fake-libvirtd.ts";
import { serve } from "../fakes/socket-daemon.ts";
import { type FuzzTarget, HOME, KEY_FILE, KEY_LINE } from "./targets.ts";

/** Built with a stand-in for AF_VSOCK: `npm run build -- --checked`. */
const PROGRAM = "build/test/virtssh";

/** Root's qemu:///session is the system daemon, which is not to be touched. */
const NOBODY = 65_534;

/** Of virNetMessageHeader, after the length word: program, version, procedure, type, serial, status. */
const HEADER_BYTES = 28;
const STATUS_AT = 24;

const MOST_BYTES = 0xffff;

function record(kind: string, bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Math.min(bytes.length, MOST_BYTES));
  return Buffer.concat([Buffer.from(kind), length, bytes.subarray(0, MOST_BYTES)]);
}

/** The test cases that a target begins with. */
export async function recordSeeds({ words, daemons = [], texts = [] }: FuzzTarget): Promise<Buffer[]> {
  const seeds: Buffer[] = texts.map((text) => Buffer.from(text));
  for (const daemon of daemons) seeds.push(await recordExchange(daemon, words));
  return seeds;
}

async function recordExchange(options: FakeLibvirtdOptions, words: readonly string[]): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), "virtssh-"));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, "libvirt"));
  copyFileSync(PROGRAM, join(folder, "virtssh"));
  writeFileSync(join(folder, KEY_FILE), `${KEY_LINE}\n`);
  const said: Uint8Array[] = [];
  const edit = (reply: Buffer) => {
    said.push(record(reply.readUInt32BE(STATUS_AT) === 0 ? "O" : "E", reply.subarray(HEADER_BYTES)));
    return reply;
  };
  const daemon = await serve(new FakeLibvirtd({ ...options, edit }), join(folder, "libvirt/virtqemud-sock"));
  const guest = createServer((socket) => {
    const banner = Buffer.from("SSH-2.0-OpenSSH_10.0\r\n");
    said.push(record("G", banner));
    socket.on("error", () => undefined);
    socket.unref().write(banner);
  });
  guest.listen(join(folder, "7-22"));
  await once(guest, "listening");
  chmodSync(join(folder, "7-22"), 0o777);
  try {
    const isRoot = process.getuid?.() === 0;
    const child = spawn(
      join(folder, "virtssh"),
      words.map((word) => word.replace(HOME, folder)),
      {
        cwd: "/",
        env: {
          PATH: "/usr/bin:/bin",
          HOME: folder,
          XDG_RUNTIME_DIR: folder,
          LIBVIRT_AUTOSTART: "0",
          VIRTSSH_TEST_VSOCK: folder,
        },
        stdio: ["ignore", "pipe", "ignore"],
        ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
      },
    );
    child.stdout.resume();
    await once(child, "close");
  } finally {
    daemon.close();
    guest.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return Buffer.concat(said);
}
