// Examples of the failures that are about adding a vsock device, as failure-examples.ts has those of all others.

import type { Failure } from "../../helper/failure.ts";
import type { DomainFacts } from "../../helper/failure-facts.ts";

type Kind = "has-vsock-device" | "no-such-part" | "hotplug-refused" | "attach-unanswered";

const web: DomainFacts = { name: "web", uri: "qemu:///system", virshName: "web", target: "qemu:system/web" };
/** A name that must be quoted for a shell, for people, and from virsh. */
const odd: DomainFacts = {
  name: "-my vm\u202e",
  uri: "qemu:///session",
  virshName: "-my vm\u202e",
  target: "qemu:session/-my%20vm\u202e",
};

export const DEVICE_EXAMPLES: { readonly [Name in Kind]: readonly Extract<Failure, { readonly kind: Name }>[] } = {
  "has-vsock-device": [
    { kind: "has-vsock-device", domain: web, has: "live" },
    { kind: "has-vsock-device", domain: web, has: "live", lacks: "config" },
    { kind: "has-vsock-device", domain: web, has: "config" },
    { kind: "has-vsock-device", domain: web, has: "config", lacks: "live" },
    { kind: "has-vsock-device", domain: odd, has: "config" },
    { kind: "has-vsock-device", domain: odd, has: "live", lacks: "config" },
  ],
  "no-such-part": [
    { kind: "no-such-part", domain: web, part: "live" },
    { kind: "no-such-part", domain: web, part: "config" },
  ],
  "hotplug-refused": [
    { kind: "hotplug-refused", domain: web, words: "No more available PCI slots", isConfigured: false },
    { kind: "hotplug-refused", domain: web, words: "No more available PCI slots", isConfigured: true },
    { kind: "hotplug-refused", domain: web, words: "No more available PCI slots", isConfigured: undefined },
    { kind: "hotplug-refused", domain: odd, words: "two\nlines.", isConfigured: true },
  ],
  "attach-unanswered": [
    { kind: "attach-unanswered", domain: web, seconds: 30 },
    { kind: "attach-unanswered", domain: odd, seconds: 1 },
  ],
};
