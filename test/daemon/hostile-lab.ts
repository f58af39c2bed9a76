// The program, as a child process, and what it meets: daemons and guests of this process's own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { FakeLibvirtd, type FakeLibvirtdOptions } from "../fakes/fake-libvirtd.ts";
import { serve } from "../fakes/socket-daemon.ts";
import { ensureNoVsock } from "../lab/no-vsock.ts";

/** Root's qemu:///session is the system daemon, which is not to be touched; so the helper runs as somebody else. */
const NOBODY = 65_534;

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Nothing but line feeds, and characters that are plain to see. */
export const HARMLESS = /^(?:[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\n)*$/u;

/** A title, a colour in C1, a turned reading direction, a bell. */
export const EVIL = "\u001b]0;x\u0007\u009b31m\u202e\u200bx\n\r\u007f";

/** Longer than any call but one that carries a domain's XML. */
const LONG_CALL_BYTES = 10_000;

export interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export class HostileLab {
  readonly folder: string;
  readonly #noVsock: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.#noVsock = join(folder, "no-vsock");
  }

  /** Of the program as it ships; or of the one with a stand-in for AF_VSOCK, which has to be there for guests. */
  static async make(program: "build/virtssh" | "build/test/virtssh" = "build/virtssh"): Promise<HostileLab> {
    const lab = new HostileLab(mkdtempSync(join(tmpdir(), "virtssh-")));
    chmodSync(lab.folder, 0o755);
    if (isRoot()) chownSync(lab.folder, NOBODY, NOBODY);
    mkdirSync(join(lab.folder, "libvirt"));
    copyFileSync(program, join(lab.folder, "virtssh"));
    copyFileSync(await ensureNoVsock(), lab.#noVsock);
    return lab;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Where the program looks for the session's daemon. */
  get socket(): string {
    return join(this.folder, "libvirt", "virtqemud-sock");
  }

  /** Runs the program where no AF_VSOCK can be opened; on a development machine that would lead to its own host. */
  start(words: readonly string[]): ChildProcess {
    return spawn(this.#noVsock, ["EAFNOSUPPORT", join(this.folder, "virtssh"), ...words], {
      cwd: "/",
      env: { XDG_RUNTIME_DIR: this.folder, LIBVIRT_AUTOSTART: "0", VIRTSSH_TEST_VSOCK: this.folder },
      stdio: ["ignore", "pipe", "pipe"],
      ...(isRoot() ? { uid: NOBODY, gid: NOBODY } : {}),
    });
  }

  async run(words: readonly string[], meanwhile: (child: ChildProcess) => void = () => undefined): Promise<Ended> {
    const begin = performance.now();
    const child = this.start(words);
    meanwhile(child);
    const read = (stream: ChildProcess["stdout"]) => (stream === null ? Promise.resolve("") : text(stream));
    const [stdout, stderr, [exit]] = await Promise.all([read(child.stdout), read(child.stderr), once(child, "close")]);
    return { exit: typeof exit === "number" ? exit : null, stdout, stderr, ms: performance.now() - begin };
  }

  /** With a daemon of the session's. */
  async withDaemon<Result>(options: FakeLibvirtdOptions, act: () => Promise<Result>): Promise<Result> {
    const server: Server = await serve(new FakeLibvirtd(options), this.socket);
    try {
      return await act();
    } finally {
      server.close();
      rmSync(this.socket, { force: true });
    }
  }

  runAgainst(options: FakeLibvirtdOptions, words: readonly string[]): Promise<Ended> {
    return this.withDaemon(options, () => this.run(words));
  }

  /** Whose daemon says one byte every so many milliseconds. */
  async runAgainstSlow(options: FakeLibvirtdOptions, everyMs: number, words: readonly string[]): Promise<Ended> {
    const daemon = new FakeLibvirtd(options);
    const server = createServer((socket) => {
      const client = daemon.accept();
      let rest: Uint8Array = Buffer.alloc(0);
      const timer = setInterval(() => {
        socket.write(rest.subarray(0, 1));
        rest = rest.subarray(1);
      }, everyMs);
      socket.on("error", () => undefined);
      socket.on("close", () => clearInterval(timer));
      socket.on("data", (bytes) => {
        rest = Buffer.concat([rest, client.receive(bytes).bytes]);
      });
    });
    return await this.#withServer(server, () => this.run(words));
  }

  /** Whose daemon reads no more than the first of a long call; signals, if there are to be any, come every millisecond. */
  async runAgainstDeaf(options: FakeLibvirtdOptions, words: readonly string[], hasSignals: boolean): Promise<Ended> {
    const daemon = new FakeLibvirtd(options);
    const server = createServer((socket) => {
      const client = daemon.accept();
      socket.on("error", () => undefined);
      socket.on("data", (bytes) => {
        if (bytes.length > LONG_CALL_BYTES) socket.pause();
        else socket.write(client.receive(bytes).bytes);
      });
    });
    const meanwhile = (child: ChildProcess) => {
      const interrupt = () => void (child.kill("SIGSTOP") && child.kill("SIGCONT"));
      const timer = hasSignals ? setInterval(interrupt, 1) : undefined;
      child.once("close", () => clearInterval(timer));
    };
    return await this.#withServer(server, () => this.run(words, meanwhile));
  }

  async #withServer<Result>(server: Server, act: () => Promise<Result>): Promise<Result> {
    server.listen(this.socket);
    await once(server, "listening");
    chmodSync(this.socket, 0o777);
    try {
      return await act();
    } finally {
      server.close();
      rmSync(this.socket, { force: true });
    }
  }

  /** With a guest at CID 7, port 22, that does so with each connection. */
  async withGuest<Result>(guest: (socket: Socket) => void, act: () => Promise<Result>): Promise<Result> {
    const path = join(this.folder, "7-22");
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined); // the program may be gone
      guest(socket);
    });
    server.listen(path);
    await once(server, "listening");
    chmodSync(path, 0o777);
    try {
      return await act();
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
      rmSync(path, { force: true });
    }
  }
}
