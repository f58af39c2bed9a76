// What the tests of `virtssh keys` share: a key, and the guest "web" with its agent.
import { KEYS } from "../fixtures/host-keys.ts";
import { runInGuest } from "../lab/domains.ts";

/** A key's line, and how it is listed. */
export function known(index: number, comment: string) {
  const { key, listed } = KEYS[index] ?? { key: { type: "", text: "" }, listed: "" };
  return { line: `${key.type} ${key.text} ${comment}`, listed: listed.replace("no comment", comment) };
}

export const MINE = known(0, "mine");

export const inWeb = (command: string) => runInGuest("web", command);

const PING = `'{"execute":"guest-ping"}'`;

/** Waits until an agent answers. */
export const agentUp = (name: string, uri = "qemu:///system") =>
  `until virsh -q -c ${uri} qemu-agent-command --timeout 5 ${name} ${PING} > /dev/null 2>&1; do read -rt 0.1 <> <(:) || true; done`;

export const refusedByAgent = (words: string) =>
  new RegExp(
    `^virtssh: error: the guest agent of domain "web" refused: "guest agent command failed: unable to execute QEMU agent command '${words}"\nvirtssh: hint: see in the guest whether there is such a user, room on the disk, and a command that the agent may not run: systemctl status qemu-guest-agent\n$`,
  );
