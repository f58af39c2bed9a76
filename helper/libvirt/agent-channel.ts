/** What a running domain's XML says of the channel to its guest agent: libvirt's formatdomain, "Channel". No I/O. */

import { asciiBytes, TagScanner } from "./domain-xml.ts";

/** "none" where there is no channel for one; "disconnected" where nothing in the guest has it open. */
export type AgentChannel = "none" | "disconnected" | "connected";

const PATH = ["domain", "devices", "channel", "target"].map(asciiBytes);

/** qemuFindAgentConfig() in libvirt's qemu_domain.c. */
const AGENT = "org.qemu.guest_agent.0";

/** @throws XmlError */
export function findAgentChannel(xml: Uint8Array): AgentChannel {
  const tags = new TagScanner(xml);
  tags.next();
  return findOn(PATH, tags) ?? "none";
}

/** In the element whose start tag was read last, if it is the first one on the path. Ends at its end tag, or at the channel. */
function findOn([name, ...rest]: readonly Uint8Array[], tags: TagScanner): AgentChannel | undefined {
  if (name === undefined || tags.isEnd || !tags.hasName(name)) return undefined;
  if (rest.length === 0) return readTarget(tags);
  if (tags.isEmpty) return undefined;
  while (tags.nextChild()) {
    const found = findOn(rest, tags);
    if (found !== undefined) return found;
    tags.skip();
  }
  return undefined;
}

function readTarget(tags: TagScanner): AgentChannel | undefined {
  if (tags.findAttribute("type") !== "virtio" || tags.findAttribute("name") !== AGENT) return undefined;
  return tags.findAttribute("state") === "connected" ? "connected" : "disconnected";
}
