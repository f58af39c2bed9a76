import { expect, test } from "vitest";
import { examine } from "../../../helper/doctor/examine.ts";
import { EACCES, ENOENT, ETIMEDOUT } from "../../../helper/sys/errno.ts";
import { ClientGoneError, SystemError } from "../../../helper/sys/system.ts";
import { FakeLibvirtd } from "../../fakes/fake-libvirtd.ts";
import { SESSION_SOCKET, SYSTEM_SOCKET } from "../../fakes/fake-system.ts";
import { BANNER, DROP_IN, find, findStep, makeSystem, OURS, outcomes, TIMEOUT_MS, UUID, WEB } from "./fake-client.ts";

test("examine() finds nothing wrong where all is well", () => {
  expect(find({}).map(({ step, outcome, detail }) => [step, outcome, detail])).toEqual([
    ["ssh", "ok", "OpenSSH 10.0p2"],
    ["ssh configuration", "ok", '"qemu/web" means host "qemu/web", port 22'],
    ["drop-in", "ok", `runs "${OURS}" ("${DROP_IN}" line 2)`],
    ["host key check", "ok", `virtssh pins keys by the domain's UUID ("${DROP_IN}" line 4)`],
    ["control path", "ok", "no connection is shared"],
    ["shell", "ok", '"/bin/sh" runs commands'],
    ["helper", "ok", '/usr/bin/virtssh is "virtssh 1.2.3"'],
    ["kernel", "ok", '"/dev/vhost-vsock" is there'],
    ["target", "ok", 'domain "web", vsock port 22'],
    ["qemu:///system", "ok", `"${SYSTEM_SOCKET}" answers`],
    ["domain", "ok", `"web" in qemu:///system, found by its name; uuid ${UUID}`],
    ["state", "ok", "running"],
    ["vsock device", "ok", "cid 7"],
    ["connect", "ok", "cid 7 takes it on vsock port 22"],
    ["banner", "ok", `"${BANNER}"`],
    ["recheck", "ok", "cid 7 is still this domain's"],
    ["host key", "ok", "none is pinned yet: the next login pins the one that the guest shows"],
  ]);
});

test("examine() leaves nothing open, and asks only to read", () => {
  const sys = makeSystem();
  examine("qemu/web", sys.nowMs() + TIMEOUT_MS, sys);
  expect(sys.openDescriptors).toEqual([]);
  expect(sys.log.filter((line) => /^(create|rename|remove|make|run)/.test(line))).toEqual([]);
});

test("examine() without a target takes the steps of the host", () => {
  const sys = makeSystem();
  const findings = examine(undefined, sys.nowMs() + TIMEOUT_MS, sys);
  expect(Object.keys(outcomes(findings))).toEqual([
    ...["ssh", "ssh configuration", "drop-in", "host key check", "control path", "shell", "helper", "kernel"],
    "qemu:///system",
  ]);
  expect(sys.log).toContain("capture ssh -G -T -vvv -- qemu/NAME");
});

test("examine() hands ssh no target as an option", () => {
  const sys = makeSystem();
  examine("-oProxyCommand=x", sys.nowMs() + TIMEOUT_MS, sys);
  expect(sys.log).toContain("capture ssh -G -T -vvv -- -oProxyCommand=x");
});

test("examine() tells of steps that it cannot take", () => {
  expect(outcomes(find({ domain: { ...WEB, state: "paused" } }))).toMatchObject({
    ...{ domain: "ok", state: "failed", "vsock device": "not tried", connect: "not tried" },
    ...{ banner: "not tried", recheck: "not tried", "host key": "ok" },
  });
});

test("examine() goes by the target that was typed where ssh's configuration cannot be read", () => {
  const sys = makeSystem({ captures: { ssh: () => ({ status: 255, output: "no\r\n" }) } });
  const findings = examine("qemu/web", sys.nowMs() + TIMEOUT_MS, sys);
  expect(outcomes(findings)).toMatchObject({
    ...{ "ssh configuration": "not tried", "drop-in": "not tried", "host key check": "not tried" },
    ...{ banner: "ok", "host key": "ok" },
  });
});

test("examine() goes by what ssh makes of an alias: its host, and its port", () => {
  const ssh = { settings: { hostname: "qemu/web", port: "2222" } };
  const findings = find({ ssh, vsock: { "7:2222": "connected" } }, "dev");
  expect(findStep(findings, "target")?.detail).toBe('domain "web", in any case, vsock port 2222');
  expect(findStep(findings, "domain")?.detail).toContain("found by its name;");
  expect(findStep(findings, "connect")?.outcome).toBe("ok");
});

test.each([
  ["virtssh"],
  ["~/bin/virtssh"],
  ['"/opt/a b/virtssh"'],
  ["'/opt/a b/virtssh'"],
  ["'/home/it'\\''s/virtssh'"],
  ["/opt/a\\ b/virtssh"],
])("examine() knows the program %s for virtssh", (program) => {
  const settings = { proxycommand: `${program} proxy --fdpass %h %p`, knownhostscommand: `${program} known-hosts %n` };
  const findings = find({ ssh: { settings } });
  expect(findStep(findings, "drop-in")?.outcome).toBe("ok");
  expect(findStep(findings, "host key check")?.failure).toMatchObject({ kind: "known-hosts-broken" });
});

test.each([["/opt/virtssh-old"], ["nc"], ["sh -c virtssh"], ["'/opt/virtssh x'"]])(
  "examine() does not take the program %s for virtssh",
  (program) => {
    const findings = find({ ssh: { settings: { proxycommand: `${program} proxy --fdpass %h %p` } } });
    expect(findStep(findings, "drop-in")?.failure).toMatchObject({ kind: "not-our-proxy" });
  },
);

test("examine() asks virtssh about no key as ssh would, and ssh's shell about nothing of it", () => {
  const sys = makeSystem();
  examine("qemu/web", sys.nowMs() + TIMEOUT_MS, sys);
  expect(sys.log).toContain("capture /usr/bin/virtssh known-hosts -- ORDER NONE NONE qemu/web");
});

test.each([
  [UUID.toUpperCase(), "UUID"],
  ["12", "ID"],
  ["w%65b", "name, decoded"],
])("examine() says that qemu/%s is found by its %s", (name, how) => {
  expect(findStep(find({}, `qemu/${name}`), "domain")?.detail).toContain(`found by its ${how};`);
});

test("examine() asks no daemon about a bare CID", () => {
  const findings = find({ streams: { 7: { incoming: [BANNER] } } }, "vsock/7");
  expect(Object.keys(outcomes(findings)).slice(-5)).toEqual(["kernel", "target", "connect", "banner", "host key"]);
  expect(findStep(findings, "banner")?.outcome).toBe("ok");
});

test("examine() takes a name that is no target for a failure of its own", () => {
  const findings = find({}, "www");
  expect(findStep(findings, "target")?.failure).toMatchObject({ kind: "bad-target", text: "www" });
  expect(outcomes(findings)).toMatchObject({ "qemu:///system": "ok", domain: "not tried", banner: "not tried" });
});

test("examine() needs no session daemon where the system's answers", () => {
  const findings = find({ userId: 1000 });
  expect(outcomes(findings)).toMatchObject({ "qemu:///system": "ok", "qemu:///session": "not needed", banner: "ok" });
});

test("examine() needs no system daemon where the session's answers", () => {
  const session = new FakeLibvirtd({ domains: [WEB] });
  const findings = find({ userId: 1000, sockets: { [SYSTEM_SOCKET]: EACCES, [SESSION_SOCKET]: session } });
  expect(outcomes(findings)).toMatchObject({ "qemu:///system": "not needed", "qemu:///session": "ok", banner: "ok" });
});

test("examine() says where no session daemon can be looked for", () => {
  const findings = find({ userId: 1000, environment: {} }, "qemu:session/web");
  expect(findStep(findings, "libvirt")?.failure).toEqual({ kind: "no-runtime-directory" });
  expect(outcomes(findings)).toMatchObject({ domain: "not tried" });
});

test("examine() says which group may open a socket", () => {
  const files = {
    [SYSTEM_SOCKET]: { mode: 0o140770, gid: 108 },
    "/etc/group": { text: "root:x:0:\nlibvirt:x:108:bob\n" },
  };
  expect(findStep(find({ files }), "qemu:///system")?.detail).toBe(`"${SYSTEM_SOCKET}" answers, for group "libvirt"`);
});

test("examine() takes the module for a sign of vhost_vsock too, and misses it without one", () => {
  const sys = makeSystem({ files: { "/sys/module/vhost_vsock": {} } });
  delete sys.files["/dev/vhost-vsock"];
  expect(findStep(examine(undefined, sys.nowMs() + TIMEOUT_MS, sys), "kernel")?.outcome).toBe("ok");
  delete sys.files["/sys/module/vhost_vsock"];
  expect(findStep(examine(undefined, sys.nowMs() + TIMEOUT_MS, sys), "kernel")?.failure).toMatchObject({
    kind: "no-vhost-vsock",
  });
});

test("examine() finds no ssh", () => {
  const ssh = () => {
    throw new SystemError("spawn", ENOENT);
  };
  expect(findStep(find({ captures: { ssh } }), "ssh")?.failure).toEqual({ kind: "ssh-missing" });
});

test("examine() tries nothing more once its time is over", () => {
  const sys = makeSystem({
    captures: {
      ssh: (args) => {
        if (args[0] === "-V") return { status: 0, output: "OpenSSH_10.0p2\n" };
        sys.clockMs += TIMEOUT_MS;
        throw new SystemError("poll", ETIMEDOUT);
      },
    },
  });
  const findings = examine("qemu/web", sys.nowMs() + TIMEOUT_MS, sys);
  expect(findings.slice(0, 2).map(({ failure }) => failure)).toEqual([
    undefined,
    { kind: "ssh-silent", host: "qemu/web", seconds: 30 },
  ]);
  expect(new Set(findings.slice(2).map(({ outcome }) => outcome))).toEqual(new Set(["not tried"]));
});

test("examine() ends when nobody reads its report any more", () => {
  const ssh = () => {
    throw new ClientGoneError();
  };
  expect(() => find({ captures: { ssh } })).toThrow(ClientGoneError);
});
