import fc from "fast-check";
import { expect, test } from "vitest";
import { relay } from "../../helper/relay.ts";
import { FIRST_FD as GUEST } from "../fakes/fake-descriptors.ts";
import { FakeSystem, type FakeSystemOptions } from "../fakes/fake-system.ts";
import { runs } from "./fuzz.ts";

const [STDIN, STDOUT] = [0, 1];

/** Relays to the end, and checks that nothing but the guest's socket is left open. */
function run(options: FakeSystemOptions): FakeSystem {
  const sys = new FakeSystem({ vsock: { "7:22": "connected" }, ...options });
  using guest = sys.connectVsock({ cid: 7, port: 22 }, sys.nowMs() + 1);
  relay(guest, sys);
  expect(sys.openDescriptors).toEqual([GUEST]);
  return sys;
}

/** The log without pipes. */
function story(sys: FakeSystem): string[] {
  return sys.log.filter((line) => !line.startsWith("close") && !line.startsWith("connect"));
}

test("relay() carries bytes both ways, and passes on both ends", () => {
  const sys = run({
    streams: { [STDIN]: { incoming: ["from", "us"] }, [GUEST]: { incoming: ["from ", "the guest"] } },
  });
  expect(sys.written(GUEST)).toBe("fromus");
  expect(sys.written(STDOUT)).toBe("from the guest");
  expect(story(sys)).toEqual(["start child", `end writing ${GUEST}`, `end writing ${STDOUT}`, "wait for child"]);
});

test("relay() goes on sending to a guest that has ended its half", () => {
  const sys = run({
    childRuns: "when waited for",
    streams: { [STDIN]: { incoming: ["late"] }, [GUEST]: { incoming: ["bye"] } },
  });
  expect([sys.written(GUEST), sys.written(STDOUT)]).toEqual(["late", "bye"]);
  expect(story(sys)).toEqual(["start child", `end writing ${STDOUT}`, "wait for child", `end writing ${GUEST}`]);
});

test("relay() ends with a guest that no longer reads either", () => {
  const streams = { [STDIN]: { incoming: ["late"] }, [GUEST]: { incoming: ["bye"], endedReading: true } };
  const sys = run({ childRuns: "when waited for", streams });
  expect([sys.written(GUEST), sys.written(STDOUT)]).toEqual(["", "bye"]);
  expect(story(sys)).toEqual(["start child", `end writing ${STDOUT}`, "kill child"]);
});

test("relay() carries what the guest sent before it reset the connection", () => {
  const sys = run({ streams: { [GUEST]: { incoming: ["last ", "words"], afterwards: "reset" } } });
  expect(sys.written(STDOUT)).toBe("last words");
});

test("relay() ends when nobody takes its output any more", () => {
  const sys = run({
    childRuns: "when waited for",
    streams: { [STDOUT]: { takesBytes: 4 }, [GUEST]: { incoming: ["abcd", "efgh", "ijkl"] } },
  });
  expect(sys.written(STDOUT)).toBe("abcd");
  expect(story(sys)).toEqual(["start child", "kill child"]);
});

test.each([
  ["stdin", { [STDIN]: { incoming: ["up"], isTerminal: true }, [GUEST]: { incoming: ["down"] } }],
  ["stdout", { [STDIN]: { incoming: ["up"] }, [STDOUT]: { isTerminal: true }, [GUEST]: { incoming: ["down"] } }],
  [
    "either",
    {
      [STDIN]: { incoming: ["up"], isTerminal: true },
      [STDOUT]: { isTerminal: true },
      [GUEST]: { incoming: ["down"] },
    },
  ],
])("relay() copies where the kernel cannot splice %s", (_, streams) => {
  const sys = run({ streams });
  expect([sys.written(GUEST), sys.written(STDOUT)]).toEqual(["up", "down"]);
});

test("relay() loses nothing, whatever it carries and whoever ends first", () => {
  const chunk = fc.oneof(
    fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 }),
    fc.integer({ min: 1, max: 200_000 }).map((length) => "x".repeat(length)),
  );
  const chunks = fc.array(chunk, { maxLength: 5 });
  const childRuns = fc.constantFrom("at once", "when waited for");
  fc.assert(
    fc.property(
      fc.tuple(chunks, chunks),
      fc.tuple(fc.boolean(), fc.boolean()),
      childRuns,
      ([up, down], [in_, out], when) => {
        const streams = {
          [STDIN]: { incoming: up, isTerminal: in_ },
          [STDOUT]: { isTerminal: out },
          [GUEST]: { incoming: down },
        };
        const sys = run({ childRuns: when, streams });
        expect(sys.written(GUEST) === up.join("")).toBe(true);
        expect(sys.written(STDOUT) === down.join("")).toBe(true);
      },
    ),
    runs(100),
  );
});
