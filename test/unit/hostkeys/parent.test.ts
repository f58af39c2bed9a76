import fc from "fast-check";
import { expect, test } from "vitest";
import { findParent, findProcess } from "../../../helper/hostkeys/parent.ts";
import { EACCES } from "../../../helper/sys/errno.ts";
import { describeProcess } from "../../fakes/fake-process.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { runs } from "../fuzz.ts";

const PATH = "/proc/4711/stat";

const REST = "1042 0 9 0 1 2 0 0 20 0 1 0 567890 10969088 2048 18446744073709551615 1 1 0 0 0 0 0 4096 134300676 0 0 0";

test.each(["ssh", "a) S 1 (b", ")", "(", "", " ", "a) S 1 2 3 4 5 6 7 8", "tmux: server", "ünï", "\n"])(
  "findParent() knows the start and the program of one that is called %j",
  (program) => {
    const text = `4711 (${program}) S 1 4711 4000 34816 4711 4194560 ${REST}\n`;
    const sys = new FakeSystem({ files: { [PATH]: { text } } });
    expect(findParent(sys)).toEqual({ pid: 4711, startTime: 567_890, program, stack: "0" });
  },
);

test.each([
  ["that is empty", ""],
  ["without a name", "4711 ssh S 1 4711"],
  [
    "that is cut short before the start time",
    "4711 (ssh) S 1 4711 4000 34816 4711 4194560 1042 0 9 0 1 2 0 0 20 0 1 0",
  ],
  ["with words for a start time", "4711 (ssh) S 1 4711 4000 34816 4711 4194560 1042 0 9 0 1 2 0 0 20 0 1 0 soon 1"],
  ["with a start before the machine's", "4711 (ssh) S 1 4711 4000 34816 4711 4194560 1042 0 9 0 1 2 0 0 20 0 1 0 -1 1"],
])("findParent() finds none in a file %s", (_, text) => {
  expect(findParent(new FakeSystem({ files: { [PATH]: { text } } }))).toBeUndefined();
});

test("findParent() finds none that is in another PID namespace", () => {
  const sys = new FakeSystem({ parentId: 0, files: { "/proc/0/stat": { text: `0 (x) S ${REST} ${REST}` } } });
  expect(findParent(sys)).toBeUndefined();
});

test.each<[string, FakeSystem]>([
  ["is gone", new FakeSystem()],
  ["may not be looked at", new FakeSystem({ files: { [PATH]: {} }, fileErrnos: { open: EACCES } })],
])("findProcess() finds none that %s", (_, sys) => {
  expect(findProcess(4711, sys)).toBeUndefined();
});

test("findProcess() takes no name for numbers: prctl(2) lets a program choose its own", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii", maxLength: 15 }), fc.nat(), (program, startTime) => {
      const sys = new FakeSystem({ files: describeProcess({ pid: 12, startTime, program }) });
      expect(findProcess(12, sys)).toEqual({ pid: 12, startTime, program, stack: "1407" });
    }),
    runs(500),
  );
});

test("findProcess() never fails over what the file says", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      findProcess(12, new FakeSystem({ files: { "/proc/12/stat": { text: `12 (a) ${text}` } } }));
    }),
    runs(300),
  );
});
