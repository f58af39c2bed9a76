// Hundreds of guests: a fake daemon that tells of them in the words of a real one, and their vsock ports as AF_UNIX sockets, where
// the checked build looks for them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { FakeDomain } from "../fakes/fake-domain.ts";
import type { FakeLibvirtd } from "../fakes/fake-libvirtd.ts";
import { serve } from "../fakes/socket-daemon.ts";
import { ensureNoVsock } from "../lab/no-vsock.ts";

/** What a guest's port does with a connection; "gone" has no guest, and "refuses" a guest in which nothing listens. */
const WAYS = ["answers", "stammers", "refuses", "says nothing", "closes", "gone"] as const;

export type Way = (typeof WAYS)[number];

const FIRST_CID = 3;

/** What libvirtd 11.3 told of a running domain, in the lab. */
const RECORDED = readFileSync("test/fixtures/domain.xml", "utf8");

export function makeDomains(count: number): FakeDomain[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `vm${index}`;
    const xml = RECORDED.replace("id='1'", `id='${index + 1}'`)
      .replace(">web<", `>${name}<`)
      .replace("address='7'", `address='${FIRST_CID + index}'`);
    return { name, id: index + 1, xml };
  });
}

/** Root's qemu:///session is the system daemon, which is not to be touched; so the program runs as somebody else. */
const NOBODY = 65_534;

export interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A session of that user's, with guests. */
export class ManyGuests implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "virtssh-"));
  readonly #servers: Server[] = [];

  private constructor(noVsock: string) {
    chmodSync(this.#folder, 0o755);
    mkdirSync(join(this.#folder, "libvirt"));
    copyFileSync("build/test/virtssh", join(this.#folder, "virtssh"));
    copyFileSync(noVsock, join(this.#folder, "no-vsock"));
  }

  /** One guest after the other does as it is its turn to. */
  static async start(daemon: FakeLibvirtd, ways: readonly Way[]): Promise<ManyGuests> {
    const guests = new ManyGuests(await ensureNoVsock());
    guests.#servers.push(await serve(daemon, join(guests.#folder, "libvirt/virtqemud-sock")));
    for (const index of daemon.domains.keys()) {
      await guests.#listen(join(guests.#folder, `${FIRST_CID + index}-22`), ways[index % ways.length] ?? "gone");
    }
    return guests;
  }

  async #listen(path: string, way: Way): Promise<void> {
    if (way === "gone") return;
    if (way === "refuses") {
      writeFileSync(path, ""); // connect(2) to what is no socket is refused
      chmodSync(path, 0o666);
      return;
    }
    const server = createServer((socket) => answer(socket, way));
    this.#servers.push(server);
    server.listen(path);
    await once(server, "listening");
    chmodSync(path, 0o666);
  }

  /** Runs virtssh in a shell, after `first`. */
  async run(words: string, first = "true"): Promise<Ended> {
    const isRoot = process.getuid?.() === 0;
    const command = `${first} && exec ${this.#folder}/virtssh ${words}`;
    const child = spawn(join(this.#folder, "no-vsock"), ["EAFNOSUPPORT", "bash", "-c", command], {
      cwd: "/",
      env: { XDG_RUNTIME_DIR: this.#folder, VIRTSSH_TEST_VSOCK: this.#folder, PATH: "/usr/bin:/bin" },
      stdio: ["ignore", "pipe", "pipe"],
      ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    const [stdout, stderr, [exit]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { exit: typeof exit === "number" ? exit : null, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => new Promise((done) => server.close(done))));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function answer(socket: Socket, way: Way): void {
  socket.on("error", () => undefined); // whoever connected has gone
  if (way === "answers") socket.write("SSH-2.0-OpenSSH_10.0\r\n");
  else if (way === "closes") socket.destroy();
  else if (way === "stammers") {
    socket.write("S");
    setTimeout(() => socket.write("SH-2.0-OpenSSH_10.0\r\n"), 50);
  }
}
