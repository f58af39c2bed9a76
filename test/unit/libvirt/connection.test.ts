import { expect, test } from "vitest";
import {
  connectListAllDomains,
  domainGetState,
  domainGetXmlDesc,
  domainLookupByName,
} from "../../../helper/libvirt/calls.ts";
import { Connection, RemoteError } from "../../../helper/libvirt/connection.ts";
import type { Place } from "../../../helper/libvirt/sockets.ts";
import { ECONNRESET, EPIPE } from "../../../helper/sys/errno.ts";
import { ClientGoneError } from "../../../helper/sys/system.ts";
import { ERR_AUTH_FAILED, FakeLibvirtd, type FakeLibvirtdOptions, PROC } from "../../fakes/fake-libvirtd.ts";
import type { Misbehaviour } from "../../fakes/fake-replies.ts";
import { FakeSystem, type FakeSystemOptions, SYSTEM_SOCKET } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";

const PLACE: Place = { uri: "qemu:///system", paths: [SYSTEM_SOCKET], daemons: [] };
const LIMIT_MS = 30_000;
const [NONE, SASL, POLKIT] = [0, 1, 2];
const OPEN = 'open "qemu:///system" read-only';

function start(options: FakeLibvirtdOptions = {}, system: FakeSystemOptions = {}) {
  const daemon = new FakeLibvirtd({ domains: [{ name: "web", cid: 7 }], ...options });
  const sys = new FakeSystem({ system: daemon, ...system });
  const connect = () => Connection.open(sys, PLACE, sys.nowMs() + LIMIT_MS);
  return { daemon, sys, connect };
}

test.each([
  ["no authentication", [NONE], ["authList", OPEN]],
  ["nothing to choose from", [], ["authList", OPEN]],
  ["polkit", [POLKIT], ["authList", "authPolkit", OPEN]],
  ["polkit after SASL", [SASL, POLKIT], ["authList", "authPolkit", OPEN]],
  ["no authentication after others", [POLKIT, NONE], ["authList", OPEN]],
])("Connection.open() logs in to a daemon that offers %s", (_, auth, calls) => {
  const { daemon, sys, connect } = start({ auth });
  using connection = connect();
  expect(daemon.calls).toEqual(calls);
  expect([connection.uri, connection.path]).toEqual(["qemu:///system", SYSTEM_SOCKET]);
  expect(sys.openDescriptors).toHaveLength(1);
});

test.each([
  ["SASL alone", [SASL], { kind: "daemon-wants-sasl", path: SYSTEM_SOCKET }],
  [
    "what nobody knows",
    [7, 8],
    { kind: "daemon-nonsense", path: SYSTEM_SOCKET, detail: "unknown authentication 7, 8" },
  ],
])("Connection.open() gives up on a daemon that offers %s", (_, auth, failure) => {
  const { sys, connect } = start({ auth });
  expect(failureOf(connect)).toEqual(failure);
  expect(sys.openDescriptors).toEqual([]);
});

test("Connection.open() tells of a refusal by polkit in the daemon's words", () => {
  const { sys, connect } = start({
    auth: [POLKIT],
    polkit: { code: ERR_AUTH_FAILED, message: "access denied by policy" },
  });
  expect(connect).toThrow(new RemoteError(ERR_AUTH_FAILED, "access denied by policy"));
  expect(sys.openDescriptors).toEqual([]);
});

test("Connection takes leave of the daemon, and closes its socket once", () => {
  const { daemon, sys, connect } = start();
  connect()[Symbol.dispose]();
  expect(daemon.calls.at(-1)).toBe("close");
  expect(sys.log).toEqual([`connect unix ${SYSTEM_SOCKET}`, "close 7"]);
});

test("Connection reads the answer to its farewell, however long something else has taken meanwhile", () => {
  const read: number[] = [];
  class ReadSystem extends FakeSystem {
    override read(fd: number, into: Uint8Array, deadlineMs: number): number {
      read.push(fd);
      return super.read(fd, into, deadlineMs);
    }
  }
  const sys = new ReadSystem({ system: new FakeLibvirtd({ domains: [] }) });
  const connection = Connection.open(sys, PLACE, sys.nowMs() + LIMIT_MS);
  connection.leave();
  sys.clockMs += 1_000;
  read.length = 0;
  connection[Symbol.dispose]();
  expect(read).toEqual([7]);
});

test.each([1, 3, 29])("Connection reads answers that come %i bytes at a time", (chunkBytes) => {
  const { connect } = start({}, { chunkBytes });
  using connection = connect();
  const web = connection.ask(domainLookupByName("web"));
  expect(web).toMatchObject({ name: "web", id: 1 });
  expect(connection.ask(domainGetState(web))).toBe(1);
});

test.each([100, 8_191, 8_192, 8_193, 100_000, 4_000_000])("Connection reads XML of some %i bytes", (bytes) => {
  const xml = `<domain><description>${"x".repeat(bytes)}</description></domain>`;
  const { connect } = start({ domains: [{ name: "web", xml }] }, { chunkBytes: 5_000 });
  using connection = connect();
  const answer = connection.ask(domainGetXmlDesc(connection.ask(domainLookupByName("web"))));
  expect(Buffer.from(answer).equals(Buffer.from(xml))).toBe(true);
});

test("Connection takes answers in another order than that of its calls", () => {
  const { connect } = start({ late: PROC.getState });
  using connection = connect();
  const web = connection.ask(domainLookupByName("web"));
  const state = connection.send(domainGetState(web));
  const xml = connection.send(domainGetXmlDesc(web));
  expect(connection.receive(state)).toBe(1);
  expect(Buffer.from(connection.receive(xml)).toString()).toContain("<name>web</name>");
});

test("Connection goes on after a call that was refused", () => {
  const { connect } = start();
  using connection = connect();
  expect(() => connection.ask(domainLookupByName("db"))).toThrow(new RemoteError(42, "Domain not found"));
  expect(connection.ask(connectListAllDomains(3))).toHaveLength(1);
});

const silent = { kind: "daemon-silent", path: SYSTEM_SOCKET, seconds: 30 };
const closed = { kind: "daemon-closed", path: SYSTEM_SOCKET };
const nonsense = { kind: "daemon-nonsense", path: SYSTEM_SOCKET };

// Every kind but "sends nothing", by what it comes to.
const MISBEHAVIOUR: Readonly<Record<Misbehaviour, object>> = {
  "is silent": silent,
  closes: closed,
  "sends half a header": silent,
  "sends half a header and closes": closed,
  "sends half a body": silent,
  "announces 4 GB": { ...nonsense, detail: "message is 4294967295 bytes, limits are 28 and 33554436" },
  "announces 27 bytes": { ...nonsense, detail: "message is 27 bytes, limits are 28 and 33554436" },
  "sends another serial": nonsense,
  "sends another procedure": nonsense,
  "sends another program": nonsense,
  "answers for QEMU's program": nonsense,
  "sends an event": { ...nonsense, detail: "an event, procedure 23, that was not asked for" },
  "sends an unknown status": { ...nonsense, detail: "status is 2, not 0 or 1" },
  "sends garbage": nonsense,
  "sends nothing but zeros": nonsense,
  "adds a word": { ...nonsense, detail: "4 bytes too many" },
  "leaves out a word": { ...nonsense, detail: "need 4 bytes, 0 left" },
};

test.each(Object.entries(MISBEHAVIOUR))("Connection explains a daemon that %s, in time", (how, failure) => {
  const wrong = how as Misbehaviour; // a key of the table
  const { sys, connect } = start({ misbehaves: { [PROC.lookupByName]: wrong } });
  const startedMs = sys.nowMs();
  const look = () => {
    using connection = connect();
    connection.ask(domainLookupByName("web"));
  };
  expect(failureOf(look)).toMatchObject(failure);
  expect(sys.nowMs() - startedMs).toBeLessThanOrEqual(LIMIT_MS);
  expect(sys.openDescriptors).toEqual([]);
});

test.each([PROC.authList, PROC.authPolkit, PROC.open])(
  "Connection.open() explains silence after procedure %i, in time",
  (procedure) => {
    const { sys, connect } = start({ auth: [POLKIT], misbehaves: { [procedure]: "is silent" } });
    const startedMs = sys.nowMs();
    expect(failureOf(connect)).toEqual(silent);
    expect(sys.nowMs() - startedMs).toBe(LIMIT_MS);
    expect(sys.openDescriptors).toEqual([]);
  },
);

test("Connection has one deadline for all its calls", () => {
  const { sys, connect } = start({}, { answerMs: 14_000 });
  const startedMs = sys.nowMs();
  const look = () => {
    using connection = connect();
    connection.ask(domainLookupByName("web"));
  };
  expect(failureOf(look)).toMatchObject({ kind: "daemon-silent" });
  expect(sys.nowMs() - startedMs).toBe(LIMIT_MS);
});

/** Where every look at the clock takes a second, and nothing else any time. */
class SlowSystem extends FakeSystem {
  override nowMs(): number {
    this.clockMs += 1_000;
    return this.clockMs;
  }
}

test.each([
  [
    "while it reads an answer",
    { chunkBytes: 1_000 },
    domainGetXmlDesc({ name: "web", uuid: new Uint8Array(16), id: 1 }),
  ],
  ["while it makes out what an answer says", {}, connectListAllDomains()],
])("Connection has its deadline %s, too", (_, system, call) => {
  const domains = Array.from({ length: 100 }, (_unused, index) => ({
    name: `web${index}`,
    uuid: String(index).padStart(32, "0"),
    xml: `<domain>${" ".repeat(100_000)}</domain>`,
  }));
  const sys = new SlowSystem({ system: new FakeLibvirtd({ domains }), ...system });
  using connection = Connection.open(sys, PLACE, sys.nowMs() + LIMIT_MS);
  const failure = failureOf(() => connection.ask<unknown>(call));
  expect(failure).toMatchObject({ kind: "daemon-silent", path: SYSTEM_SOCKET });
});

test("Connection counts the seconds that it really waited", () => {
  const { sys } = start({ misbehaves: { [PROC.authList]: "is silent" } });
  expect(failureOf(() => Connection.open(sys, PLACE, sys.nowMs() + 2_000))).toMatchObject({ seconds: 2 });
});

test.each([ECONNRESET, EPIPE])("Connection takes errno %i for a daemon that has closed", (errno) => {
  const { sys, connect } = start({}, { socketErrno: errno });
  expect(failureOf(connect)).toEqual(closed);
  expect(sys.openDescriptors).toEqual([]);
});

test("Connection names any other error of its socket", () => {
  const { connect } = start({}, { socketErrno: 5 });
  expect(failureOf(connect)).toEqual({ kind: "socket-broken", path: SYSTEM_SOCKET, errno: "EIO" });
});

test("Connection ends as soon as whoever started us is gone", () => {
  const { sys, connect } = start({}, { clientWaits: 1 });
  expect(connect).toThrow(ClientGoneError);
  expect(sys.openDescriptors).toEqual([]);
});
