/** The vsock device of a domain: whether it has one, and how it gets one. */

import { type Failure, HelperError } from "../failure.ts";
import type { DomainPart } from "../failure-facts.ts";
import type { System } from "../sys/system.ts";
import { domainAttachDeviceFlags } from "./calls.ts";
import { Connection, type RemoteError } from "./connection.ts";
import { diagnoseVhost } from "./diagnosis.ts";
import { describeDomain } from "./find-endpoint.ts";
import type { LocatedDomain } from "./located-domain.ts";
import { AFFECT, ERROR } from "./protocol.ts";
import { findWritablePlace } from "./sockets.ts";

/** The device that is added. Its CID is libvirt's choice, at each start anew. */
export const VSOCK_DEVICE = "<vsock model='virtio'><cid auto='yes'/></vsock>";

/** Whether each part has a vsock device; undefined for a part that there is not. */
export interface VsockDevices {
  readonly live: boolean | undefined;
  readonly config: boolean | undefined;
  /** Whether the next start restores a domain that was saved, and does not look at the configuration. */
  readonly isSaved: boolean;
}

/** As the domain was when it was last read. @throws HelperError */
export function readVsockDevices(located: LocatedDomain): VsockDevices {
  const { id, cid } = located.domain;
  const configuration = located.readConfiguration();
  return {
    live: id < 0 ? undefined : cid !== undefined, // libvirt chooses the CID before there is a device
    config: configuration?.hasVsock,
    isSaved: configuration?.isSaved === true,
  };
}

export interface Attachment {
  readonly located: LocatedDomain;
  /** What is to have the device. */
  readonly parts: readonly DomainPart[];
  readonly deadlineMs: number;
}

/**
 * One call for both parts, in which libvirt keeps the changed configuration only once the running domain has the device: where that
 * is refused, neither has one (qemuDomainAttachDeviceLiveAndConfig() in its qemu_driver.c).
 * @throws HelperError
 * @throws RemoteError where the daemon refuses it
 */
export function attachVsockDevice({ located, parts, deadlineMs }: Attachment, sys: System): void {
  const flags = parts.reduce((sum, part) => sum | AFFECT[part], 0);
  using connection = Connection.open(sys, findWritablePlace(located.domain.uri, sys), deadlineMs);
  try {
    connection.ask(domainAttachDeviceFlags(located.reference, VSOCK_DEVICE, flags));
  } catch (error) {
    // A QEMU that hangs: the daemon goes on waiting for it when we are gone.
    if (!(error instanceof HelperError) || error.failure.kind !== "daemon-silent") throw error;
    const domain = describeDomain(located.domain);
    throw new HelperError({ kind: "attach-unanswered", domain, seconds: error.failure.seconds }, { cause: error });
  }
}

interface Refusal {
  readonly devices: VsockDevices;
  readonly error: RemoteError;
}

/** Of a domain that can have the device, though not while it runs: no PCI slot is left (which has no code of its own), or none takes it. */
const HOTPLUG_REFUSALS: readonly number[] = [ERROR.internalError, ERROR.operationUnsupported];

/** What the daemon's refusal of attachVsockDevice() means, where the devices are as they were before. */
export function explainRefusal({ located, parts }: Attachment, refusal: Refusal, sys: System): Failure {
  const { name, uri } = located.domain;
  const { code, message: words } = refusal.error;
  const { config } = refusal.devices;
  const isLive = parts.includes("live");
  const failure = isLive && code === ERROR.configUnsupported ? diagnoseVhost(sys, uri) : undefined;
  if (failure !== undefined) return failure;
  if (isLive && HOTPLUG_REFUSALS.includes(code)) {
    return { kind: "hotplug-refused", domain: describeDomain(located.domain), words, isConfigured: config };
  }
  const refused = isLive ? "add a device" : "configure a device";
  return { kind: "daemon-refused", refused, name, code, words, uri };
}
