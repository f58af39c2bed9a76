import fc from "fast-check";
import { expect, test } from "vitest";
import { HelperError } from "../../../helper/failure.ts";
import { findEndpoint } from "../../../helper/libvirt/find-endpoint.ts";
import { EACCES } from "../../../helper/sys/errno.ts";
import { parseTarget } from "../../../helper/target.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { FakeLibvirtd, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem, type FakeSystemOptions, SESSION_SOCKET } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { runs } from "../fuzz.ts";

const LIMIT_MS = 30_000;

function find(ask: string, sys: FakeSystem) {
  const startedMs = sys.nowMs();
  try {
    using found = findEndpoint({ target: parseTarget(ask), port: 2222, deadlineMs: startedMs + LIMIT_MS }, sys);
    return found.endpoint;
  } finally {
    expect(sys.openDescriptors).toEqual([]);
    expect(sys.nowMs() - startedMs).toBeLessThanOrEqual(LIMIT_MS);
  }
}

function having(...domains: FakeDomain[]): FakeLibvirtd {
  return new FakeLibvirtd({ domains });
}

test("findEndpoint() is the domain's CID and the port that was asked for", () => {
  const { domain, address } = find("qemu/web", new FakeSystem({ system: having({ name: "web", cid: 9 }) }));
  expect(address).toEqual({ cid: 9, port: 2222 });
  expect(domain).toMatchObject({ name: "web", uri: "qemu:///system", state: "running", cid: 9 });
});

test("findEndpoint() of a bare CID asks nobody", () => {
  const sys = new FakeSystem({ system: having() });
  expect(find("vsock/9", sys)).toEqual({ domain: undefined, address: { cid: 9, port: 2222 } });
  expect(sys.log).toEqual([]);
});

test.each(["running", "idle", "no state"] as const)("findEndpoint() of a domain that is %s leads to it", (state) => {
  expect(find("qemu/web", new FakeSystem({ system: having({ name: "web", state, cid: 9 }) })).address.cid).toBe(9);
});

// Each has a CID in its XML, which may be another guest's by now.
test.each(["paused", "in shutdown", "shut off", "crashed", "pmsuspended"] as const)(
  "findEndpoint() refuses a domain that is %s, whatever its XML says",
  (state) => {
    const sys = new FakeSystem({ system: having({ name: "web", state, cid: 9 }) });
    const domain = { name: "web", uri: "qemu:///system", virshName: "web", target: "qemu:system/web" };
    expect(failureOf(() => find("qemu/web", sys))).toEqual({ kind: "domain-stopped", domain, state });
  },
);

test("findEndpoint() refuses a domain that has no ID by the time its XML is read", () => {
  const system = new FakeLibvirtd({
    domains: [{ name: "web", cid: 9 }],
    before: (procedure, daemon) => {
      if (procedure === PROC.getXmlDesc) daemon.domains = [{ name: "web", state: "shut off", cid: 9 }];
    },
  });
  const failure = failureOf(() => find("qemu/web", new FakeSystem({ system })));
  expect(failure).toMatchObject({ kind: "domain-stopped", state: "shut off" });
});

const DECOYS = `<domain id='3'><metadata><devices><vsock><cid address='666'/></vsock></devices></metadata><devices/></domain>`;

test.each<[string, FakeDomain]>([
  ["none", { name: "web" }],
  ["none but in metadata", { name: "web", xml: DECOYS }],
  [
    "one that waits for its CID",
    { name: "web", xml: "<domain id='3'><devices><vsock><cid auto='yes'/></vsock></devices></domain>" },
  ],
])("findEndpoint() refuses a domain whose vsock device is %s", (_, domain) => {
  const failure = failureOf(() => find("qemu/web", new FakeSystem({ system: having(domain) })));
  expect(failure).toMatchObject({ kind: "no-vsock-device", domain: { name: "web", uri: "qemu:///system" } });
});

const works: FakeDomain = { name: "web", cid: 9 };
const stopped: FakeDomain = { name: "web", state: "shut off", cid: 9 };
const bare: FakeDomain = { name: "web" };

interface Case extends FakeSystemOptions {
  readonly ask?: string;
}

test.each<[boolean, string, Case]>([
  [true, "it is shut off, and the session's runs", { system: having(stopped), session: having(works) }],
  [true, "it has no vsock device, and the session's has one", { system: having(bare), session: having(works) }],
  [false, "both are shut off", { system: having(stopped), session: having(stopped) }],
  [false, "neither has a vsock device", { system: having(bare), session: having(bare) }],
  [false, "the session has none", { system: having(stopped), session: having() }],
  [false, "there is no session daemon", { system: having(stopped) }],
  [false, "the session daemon may not be asked", { system: having(stopped), sockets: { [SESSION_SOCKET]: EACCES } }],
  [
    false,
    "the session daemon talks nonsense",
    { system: having(stopped), session: new FakeLibvirtd({ misbehaves: { [PROC.open]: "sends garbage" } }) },
  ],
  [
    false,
    "the session daemon is silent",
    { system: having(stopped), session: new FakeLibvirtd({ misbehaves: { [PROC.open]: "is silent" } }) },
  ],
  [false, "root asks, who has no session", { userId: 0, system: having(stopped), session: having(works) }],
  [false, "the system's was asked for", { ask: "qemu:system/web", system: having(stopped), session: having(works) }],
  [false, "it is the session's own", { ask: "qemu:session/web", session: having(stopped) }],
])(
  "findEndpoint() says that the session's would work: %s, where %s",
  (worksInSession, _, { ask = "qemu/web", ...options }) => {
    const failure = failureOf(() => find(ask, new FakeSystem(options)));
    const inSession = worksInSession ? "qemu:session/web" : undefined;
    expect(failure).toMatchObject({ domain: { name: "web", ...(inSession === undefined ? {} : { inSession }) } });
    if (!worksInSession) expect(failure).not.toHaveProperty("domain.inSession");
  },
);

test("findEndpoint() starts no session daemon to see whether it would work there", () => {
  const sys = new FakeSystem({ system: having(stopped), files: { "/usr/sbin/virtqemud": {} } });
  expect(failureOf(() => find("qemu/web", sys))).not.toHaveProperty("domain.inSession");
  expect(sys.log.filter((line) => line.startsWith("run"))).toEqual([]);
});

test("findEndpoint() is an endpoint or an explained failure, in time, whatever bytes the daemon sends", () => {
  const edit = fc.record({ reply: fc.nat({ max: 6 }), at: fc.nat(), byte: fc.nat({ max: 255 }), cut: fc.boolean() });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.constantFrom(1, 7, 100_000), (edits, chunkBytes) => {
      let reply = -1;
      const system = new FakeLibvirtd({
        domains: [{ name: "web", cid: 9 }],
        edit: (bytes) => {
          reply += 1;
          const edited = Buffer.from(bytes);
          const here = edits.filter((one) => one.reply === reply);
          for (const { at, byte } of here) edited[at % edited.length] = byte;
          return here.some(({ cut }) => cut) ? edited.subarray(0, (here[0]?.at ?? 0) % edited.length) : edited;
        },
      });
      try {
        find("qemu/web", new FakeSystem({ system, session: having(works), chunkBytes }));
      } catch (error) {
        expect(error).toBeInstanceOf(HelperError);
      }
    }),
    runs(1000),
  );
});
