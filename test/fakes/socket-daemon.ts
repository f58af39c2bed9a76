// Serves a FakeLibvirtd on an AF_UNIX socket, for tests that start the binary as a child process.
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { createServer, type Server } from "node:net";
import type { FakeLibvirtd } from "./fake-libvirtd.ts";

/** Listens on `path`, for every user. The caller closes the server; its clients do not keep it open. */
export async function serve(daemon: FakeLibvirtd, path: string): Promise<Server> {
  const server = createServer((socket) => {
    const client = daemon.accept();
    socket.unref();
    socket.on("error", () => undefined); // the client may be gone, as a test has it
    socket.on("data", (bytes) => {
      const { bytes: answer, closes } = client.receive(bytes);
      if (closes) socket.end(answer);
      else socket.write(answer);
    });
  });
  server.listen(path);
  await once(server, "listening");
  chmodSync(path, 0o777);
  return server;
}
