// The domains of the daemon tests, none of which has a vsock device, and the sentences that they lead to.
import { renderDomain } from "../lab/domains.ts";
import { type Fact, failure } from "../lab/facts.ts";

export const UUID = "11111111-2222-4333-8444-aabbccddeeff";
/** Of the domain whose name is another's ID. */
export const UUID_OF_1 = "33333333-4444-4555-8666-aabbccddeeff";

export const noVsock = (name: string, uri = "qemu:///system") =>
  failure(
    `domain "${name}" has no vsock device`,
    `add one with: virtssh enable ${uri.replace("///", "")}/${name.replaceAll(" ", "%20")}`,
  );
export const shutOff = (name: string) =>
  failure(`domain "${name}" is shut off`, `start it with: virsh -c qemu:///system start ${name}`);
export const notFound = (name: string, uri = "qemu:///system") =>
  failure(`cannot find domain "${name}" in ${uri}`, "list the domains with: virtssh list --all");

/** What libvirt says to a user who is not in the group libvirt, and what we do. */
export const NO_AGENT =
  "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'";
export const JOIN =
  'have polkit grant you org.libvirt.unix.manage, or join group "libvirt": sudo usermod -aG libvirt "$(id -un)"';

/** A name of which virsh and the shell would each make something else, were it not quoted. */
export const ODD = "-it's $HOME; `id`";

/** The guest at CID 99 would be the wrong one: the text is not this domain's device. */
const DECOY = `<x:decoy xmlns:x="urn:x"><domain id="5"><devices><vsock><cid address="99"/></vsock></devices></domain></x:decoy>`;

export const TEXTS = {
  "/etc/lab/web.xml": renderDomain({ name: "web", uuid: UUID, vsock: "none", boots: "nothing", metadata: DECOY }),
  "/etc/lab/Web.xml": renderDomain({ name: "Web", vsock: "none", boots: "nothing" }),
  "/etc/lab/solo.xml": renderDomain({ name: "Solo", vsock: "none", boots: "nothing" }),
  "/etc/lab/space.xml": renderDomain({ name: "my vm", vsock: "none", boots: "nothing" }),
  "/etc/lab/percent.xml": renderDomain({ name: "my%20vm", vsock: "none", boots: "nothing" }),
  "/etc/lab/number.xml": renderDomain({ name: "1", uuid: UUID_OF_1, vsock: "none", boots: "nothing" }),
  "/etc/lab/static.xml": renderDomain({ name: "static", vsock: 7, boots: "nothing" }),
  "/etc/lab/odd.xml": renderDomain({ name: ODD, vsock: "none", boots: "nothing" }),
  "/etc/lab/asleep.xml": renderDomain({ name: "asleep", vsock: "none", boots: "nothing" }),
  "/etc/lab/deny.rules": `polkit.addRule(function (action, subject) {
  if (action.id == "org.libvirt.unix.monitor" && subject.user == "alice") return polkit.Result.NO;
});
`,
  "/root/.ssh/config": `Host dev
  HostName qemu/Web
Host solo
  HostName qemu/solo
Host qemu/other
  HostName qemu:system/web
Host spaced
  HostName "qemu/my vm"
Host slashed
  HostName "qemu/a\\b"
Host quoted
  HostName "qemu/a'b"
`,
};

export const define = (file: string) => `virsh -q define /etc/lab/${file}.xml`;
const start = (file: string, name: string) => `${define(file)} && virsh -q start ${name}`;

export const SETUP: readonly Fact[] = [
  // "web" is started first, so that its ID is 1; the domain named "1" comes later.
  { name: "web runs", run: start("web", "web") },
  { name: "Web is defined", run: define("Web") },
  { name: "Solo runs", run: start("solo", "Solo") },
  { name: "my vm runs", run: start("space", "'my vm'") },
  { name: "asleep is paused", run: `${start("asleep", "asleep")} && virsh -q suspend asleep` },
  { name: "static is defined", run: define("static") },
];
