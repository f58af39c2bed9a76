import { expect, test } from "vitest";
import { runResolve } from "../../../helper/cli/run-resolve.ts";
import { HelperError } from "../../../helper/failure.ts";
import { parseResolveArguments } from "../../../helper/resolve-arguments.ts";
import { ClientGoneError } from "../../../helper/sys/system.ts";
import { FakeLibvirtd, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem, type FakeSystemOptions } from "../../fakes/fake-system.ts";
import { runWords } from "./run.ts";

test.each([
  [["qemu/web"], { target: "qemu/web", json: false }],
  [["qemu/web", "--json"], { target: "qemu/web", json: true }],
  [["--json", "qemu/web"], { target: "qemu/web", json: true }],
  [[""], { target: "", json: false }],
  [["json"], { target: "json", json: false }],
])("parseResolveArguments() reads %j", (words, plain) => {
  expect(parseResolveArguments(words)).toEqual(plain);
});

test.each([
  [],
  ["--json"],
  ["--json", "--json"],
  ["--json", "--json", "qemu/web"],
  ["qemu/web", "db"],
  ["qemu/web", ""],
  ["--help"],
  ["-h"],
  ["qemu/web", "--help"],
  ["qemu/web", "--timeout=5"],
  ["--timeout", "5", "qemu/web"],
  ["--jsn", "qemu/web"],
  ["--", "qemu/web"],
  ["-", "--json"],
])("parseResolveArguments() leaves %j to commander", (...words) => {
  expect(parseResolveArguments(words)).toBeUndefined();
});

const SILENT = new FakeLibvirtd({ misbehaves: { [PROC.lookupByName]: "is silent" } });

/** A guest's world, made anew for each of the two. */
const makeSystem = (options: FakeSystemOptions) =>
  new FakeSystem({
    system: new FakeLibvirtd({ domains: [{ name: "wéb", id: 12, cid: 7 }, { name: "off" }] }),
    ...options,
  });

/** What comes of `act`: all that a user can notice. */
function watch(act: (sys: FakeSystem) => number, options: FakeSystemOptions) {
  const sys = makeSystem(options);
  const told = () => ({ stdout: sys.written(1), stderr: sys.written(2), log: sys.log });
  try {
    return { status: act(sys), ...told() };
  } catch (error) {
    if (!(error instanceof HelperError)) throw error;
    return { failure: error.failure, ...told() };
  }
}

test.each<[string, readonly string[], FakeSystemOptions]>([
  ["a domain", ["qemu/wéb"], {}],
  ["a domain, as JSON", ["--json", "qemu/wéb"], {}],
  ["a bare CID", ["vsock/7"], {}],
  ["a bare CID, as JSON", ["vsock/7", "--json"], {}],
  ["no such domain", ["qemu/db"], {}],
  ["a domain that is shut off", ["qemu/off"], {}],
  ["a daemon that is silent", ["qemu/web"], { system: SILENT }],
  ["no target", [""], {}],
  ["a target in no form", ["web"], {}],
  ["a reader that has gone", ["qemu/wéb"], { streams: { 1: { takesBytes: 0 } } }],
])("virtssh resolve of %s is the same with commander and without", (_, words, options) => {
  const plain = parseResolveArguments(words);
  if (plain === undefined) throw new Error("it is commander's to read");
  const short = watch((sys) => runResolve(plain, sys), options);
  expect(short).toEqual(watch((sys) => runWords(["resolve", ...words], sys), options));
});

test("virtssh resolve ends without a word where its reader goes while the daemon is waited for", () => {
  class LeftSystem extends FakeSystem {
    override read(): number {
      throw new ClientGoneError();
    }
  }
  const sys = new LeftSystem({ system: new FakeLibvirtd({ domains: [{ name: "web", cid: 7 }] }) });
  expect(runResolve({ target: "qemu/web", json: false }, sys)).toBe(141);
});
