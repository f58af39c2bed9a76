/** What a running domain's XML says of the channel to its guest agent: libvirt's formatdomain, "Channel". No I/O. */

import { asciiBytes, openDomain, type TagScanner, type XmlFinder } from "./domain-xml.ts";

/** "none" where there is no channel for one; "disconnected" where nothing in the guest has it open. */
export type AgentChannel = "none" | "disconnected" | "connected";

const PATH = ["devices", "channel", "target"].map(asciiBytes);

/** qemuFindAgentConfig() in libvirt's qemu_domain.c. */
const AGENT = "org.qemu.guest_agent.0";

/** @throws XmlError */
export function findAgentChannel(xml: Uint8Array, finder: XmlFinder): AgentChannel {
  return findOn(openDomain(xml, finder), 0) ?? "none";
}

/** What is on PATH, from `step` on, below the element whose start tag was read last. Ends at its end tag, or at the channel. */
function findOn(tags: TagScanner, step: number): AgentChannel | undefined {
  const name = PATH[step];
  if (name === undefined) return readTarget(tags);
  if (tags.isEmpty) return undefined;
  while (tags.nextNamed(name)) {
    const found = findOn(tags, step + 1);
    if (found !== undefined) return found;
    tags.skip();
  }
  return undefined;
}

function readTarget(tags: TagScanner): AgentChannel | undefined {
  if (tags.findAttribute("type") !== "virtio" || tags.findAttribute("name") !== AGENT) return undefined;
  return tags.findAttribute("state") === "connected" ? "connected" : "disconnected";
}
