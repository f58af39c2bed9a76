// What becomes of the step that asks a guest's agent.
import { expect, test } from "vitest";
import { examine } from "../../../helper/doctor/examine.ts";
import { EACCES, ECONNRESET } from "../../../helper/sys/errno.ts";
import { type FakeProgramsOptions, makeGuestPrograms } from "../../fakes/fake-guest-programs.ts";
import { FakeLibvirtd, type FakeLibvirtdOptions } from "../../fakes/fake-libvirtd.ts";
import { SYSTEM_SOCKET } from "../../fakes/fake-system.ts";
import { find, findStep, makeSystem, type Setting, TIMEOUT_MS, UUID } from "./fake-client.ts";

const WRITABLE = SYSTEM_SOCKET.replace(/-ro$/, "");

const withChannel = (state: string) =>
  `<domain type='kvm' id='12'><name>web</name><devices><vsock model='virtio'><cid auto='no' address='7'/></vsock>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='${state}'/></channel></devices></domain>`;

/** A guest that refuses the connection, and whose agent has these programs to run. */
function makeSetting(agent: FakeProgramsOptions, options: FakeLibvirtdOptions = {}, state = "connected"): Setting {
  const web = { name: "web", uuid: UUID, id: 12, xml: withChannel(state) };
  const system = new FakeLibvirtd({ domains: [web], agentCommands: makeGuestPrograms(agent), ...options });
  return { system, sockets: { [WRITABLE]: system }, vsock: { "7:22": ECONNRESET } };
}

const step = (setting: Setting) => findStep(find(setting), "guest agent");

const PROGRAMS = {
  ls: { output: "/\n/usr/sbin/sshd\n", status: 2 },
  ss: { output: "", delays: 2 },
  systemctl: { output: "Id=sshd-vsock.socket\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked\n" },
};

test("examine() asks a guest's agent why nobody listens", () => {
  expect(step(makeSetting({ programs: PROGRAMS }))).toEqual({
    step: "guest agent",
    outcome: "failed",
    failure: {
      kind: "guest-sshd",
      domain: { name: "web", uri: "qemu:///system", target: "qemu:system/web", virshName: "web" },
      port: 22,
      problem: { is: "masked", unit: "sshd-vsock.socket" },
    },
  });
});

test("examine() asks no agent where the guest answers", () => {
  const setting = makeSetting({ programs: PROGRAMS });
  expect(step({ ...setting, vsock: { "7:22": "connected" } })).toBeUndefined();
});

const CLOSED: Setting = { vsock: { "7:22": "connected" }, streams: { 8: { incoming: [""] } } };

test("examine() has sshd check itself where the guest hangs up", () => {
  const programs = { ls: PROGRAMS.ls, "/usr/sbin/sshd": { status: 255, complaint: "sshd: no hostkeys available" } };
  expect(step({ ...makeSetting({ programs }), ...CLOSED })?.failure).toMatchObject({ problem: { is: "no-host-keys" } });
});

const NO_RIGHT =
  'not tried: it takes more rights than looking: the group "libvirt", or org.libvirt.unix.manage of polkit';
const SILENT = "not tried: it does not answer";
const refusing = (code: number, message: string): Setting =>
  makeSetting({}, { agentCommands: () => ({ code, message }) });

test.each<[string, Setting, string]>([
  ["has no channel to one", {}, "not tried: the domain has no channel to one"],
  [
    "has none that is connected",
    makeSetting({}, {}, "disconnected"),
    "not tried: none is connected: no qemu-guest-agent runs in the guest",
  ],
  [
    "has one that may run nothing",
    makeSetting({ isBlocked: true }),
    "not tried: it runs no programs: guest-exec is blocked in its configuration",
  ],
  [
    "has one that may start programs, and not tell of their end",
    makeSetting(
      {},
      { agentCommands: () => '{"return":{"supported_commands":[{"name":"guest-exec","enabled":true}]}}' },
    ),
    "not tried: it runs no programs: guest-exec is blocked in its configuration",
  ],
  ["has one that is not for us to ask", { ...makeSetting({}), sockets: { [WRITABLE]: EACCES } }, NO_RIGHT],
  [
    "has one that is for a group to ask",
    {
      ...makeSetting({}),
      sockets: { [WRITABLE]: EACCES },
      files: { [WRITABLE]: { mode: 0o140770, gid: 9 }, "/etc/group": { text: "virt:x:9:\n" } },
    },
    'not tried: it takes more rights than looking: the group "virt"',
  ],
  ["is not ours to ask, by polkit", refusing(94, "no polkit agent"), NO_RIGHT],
  [
    "is not ours to ask, by access control",
    refusing(88, "access denied"),
    "not tried: it takes more rights than looking: org.libvirt.api.domain.write of polkit",
  ],
  ["has one that hangs", refusing(86, "guest agent didn't respond to synchronization"), SILENT],
  ["has one that died over it", refusing(112, "guest agent disappeared"), SILENT],
  ["has one that is busy with another's command", refusing(68, "cannot acquire state change lock"), SILENT],
  ["has a daemon that has other ideas", refusing(1, "no\nsuch"), 'not tried: libvirt refused: "no\\x0asuch"'],
  [
    "has one that says nothing that can be understood",
    makeSetting({}, { agentCommands: () => "[" }),
    "not tried: it talks nonsense",
  ],
])("examine() takes it for no fault that a domain %s", (_, setting, detail) => {
  expect(step({ vsock: { "7:22": ECONNRESET }, ...setting })).toEqual({
    step: "guest agent",
    outcome: "not tried",
    detail,
  });
});

test.each([
  ["there is no ss", {}],
  ["ss knows nothing of VSOCK", { ss: { status: 255 } }],
  ["ss does not end", { ss: { delays: 10_000 } }],
])("examine() does not say that nobody listens where %s in the guest", (_, ss) => {
  const driver = "/sys/bus/virtio/drivers/vmw_vsock_virtio_transport";
  const programs = { ls: { output: `/\n/usr/sbin/sshd\n${driver}\n${driver}/virtio0\n`, status: 2 }, ...ss };
  expect(step({ ...makeSetting({ programs }), vsock: {} })).toEqual({
    step: "guest agent",
    outcome: "not tried",
    detail: "not tried: no ss in the guest has said who listens",
  });
});

test("examine() does not need an agent of a daemon that has gone", () => {
  const finding = step({ ...makeSetting({}), sockets: {} });
  expect(finding).toMatchObject({ outcome: "not needed", failure: { kind: "no-daemon" } });
});

test("examine() gives an agent no more time than is left, and programs less than that", () => {
  const setting = makeSetting({ programs: { ...PROGRAMS, systemctl: { delays: 10_000 } } });
  const sys = makeSystem(setting);
  const startedMs = sys.nowMs();
  const findings = examine("qemu/web", startedMs + TIMEOUT_MS, sys);
  expect(sys.nowMs() - startedMs).toBeLessThanOrEqual(8_000);
  // What systemctl would have said is not known; what the others have said is.
  expect(findStep(findings, "guest agent")?.failure).toMatchObject({ problem: { is: "nobody" } });
});

test("examine() leaves nothing open where it has asked an agent", () => {
  const sys = makeSystem(makeSetting({ programs: PROGRAMS }));
  examine("qemu/web", sys.nowMs() + TIMEOUT_MS, sys);
  expect(sys.openDescriptors).toEqual([]);
});
