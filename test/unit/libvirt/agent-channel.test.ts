// The channel to a guest's agent, in XML as libvirt writes it, and in XML that is made to look like it.

import { expect, test } from "vitest";
import { type AgentChannel, findAgentChannel } from "../../../helper/libvirt/agent-channel.ts";
import { XmlError } from "../../../helper/libvirt/domain-xml.ts";
import { encodeUtf8 } from "../../../helper/utf8.ts";
import { findChild } from "../../fakes/find-child.ts";

const target = (state = "") => `<target type='virtio' name='org.qemu.guest_agent.0'${state}/>`;
const channel = (inside: string) =>
  `<channel type='unix'><source mode='bind' path='/x'/>${inside}<alias name='channel0'/></channel>`;
const domain = (devices: string, more = "") =>
  `<domain type='kvm' id='1'>${more}<devices><disk/>${devices}</devices></domain>`;

const CONNECTED = channel(target(" state='connected'"));
const DISCONNECTED = channel(target(" state='disconnected'"));

test.each<[string, AgentChannel, string]>([
  ["connected", "connected", domain(CONNECTED)],
  ["disconnected", "disconnected", domain(DISCONNECTED)],
  ["of a state that is not told", "disconnected", domain(channel(target()))],
  ["behind one for something else", "connected", domain(`${channel("<target type='virtio' name='x'/>")}${CONNECTED}`)],
  ["not there", "none", domain(channel("<target type='virtio' name='org.qemu.guest_agent.1' state='connected'/>"))],
  ["of another type", "none", domain(CONNECTED.replace("virtio", "guestfwd"))],
  ["in the metadata alone", "none", domain("", `<metadata>${domain(CONNECTED)}</metadata>`)],
  ["in a comment alone", "none", domain(`<!-- ${CONNECTED} -->`)],
  ["in a domain without devices", "none", "<domain/>"],
])("findAgentChannel() finds one that is %s", (_, found, xml) => {
  expect(findAgentChannel(encodeUtf8(xml), { findChild })).toBe(found);
});

test("findAgentChannel() refuses what is no domain", () => {
  expect(() => findAgentChannel(encodeUtf8(`<network>${CONNECTED}</network>`), { findChild })).toThrow(XmlError);
});
