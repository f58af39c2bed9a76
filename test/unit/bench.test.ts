// docs/bench and the README's table are what docs/bench/figures.json says; `npm run bench` writes that. After a change of the words,
// VIRTSSH_UPDATE=1 npx vitest run --project unit bench writes all else anew.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { proxy, reachGuest } from "../../helper/proxy.ts";
import { parseTarget } from "../../helper/target.ts";
import { FIGURES, renderPages } from "../bench/document.ts";
import { PHASES, readMarks, splitRun } from "../bench/phases.ts";
import { type Found, readSpeed, renderSpeed, replaceSpeed } from "../bench/targets.ts";
import { reachGuest as reachUnguarded } from "../bench/unguarded-proxy.ts";
import { FakeLibvirtd } from "../fakes/fake-libvirtd.ts";
import { directory, makeSystem, RECORDS } from "./hostkeys/surroundings.ts";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "docs/bench");
const README = join(ROOT, "README.md");

// Our own file, as writeFigures() wrote it.
const readFound = () => JSON.parse(readFileSync(join(FOLDER, FIGURES), "utf8")) as Found;

test("docs/bench has what its figures render to, and nothing else", () => {
  const pages = renderPages(readFound());
  if (process.env["VIRTSSH_UPDATE"] !== undefined) {
    for (const [file, text] of Object.entries(pages)) writeFileSync(join(FOLDER, file), text);
  }
  expect(readdirSync(FOLDER).sort()).toEqual([...Object.keys(pages), FIGURES].sort());
  for (const [file, text] of Object.entries(pages)) expect(readFileSync(join(FOLDER, file), "utf8"), file).toBe(text);
});

test("README has the table of speed that the figures render to", () => {
  const found = readFound();
  if (process.env["VIRTSSH_UPDATE"] !== undefined) {
    writeFileSync(README, replaceSpeed(readFileSync(README, "utf8"), found));
  }
  expect(readSpeed(readFileSync(README, "utf8"))).toBe(renderSpeed(found));
});

const MARKS = `\
10000 main
12000 JS_NewContextRaw
15000 JS_NewContextRaw.
20000 JS_ReadObject
29000 JS_ReadObject.
30000 JS_EvalFunction
32000 JS_EvalFunction.
32000 JS_ExecutePendingJob
33000 JS_ReadObject
36000 JS_ReadObject.
40000 connect
41000 connect.
43000 write:66
44000 write.
45000 poll
51000 poll.
53000 write:14
58000 write.
65000 write:2
66000 write.
68000 write
69000 write.
69500 read
69900 read.
70000 exit
90000 written
`;

test("splitRun() puts every moment of a run into one phase, but for those in which its marks are written down", () => {
  const [marks = []] = readMarks(MARKS);
  const phases = [...splitRun(marks, { beginUs: 3, endUs: 95 })];
  expect(Object.fromEntries(phases.map(([name, us]) => [name, Number(us.toFixed(3))]))).toEqual({
    [PHASES.start]: 7,
    [PHASES.engine]: 5,
    [PHASES.builtIn]: 5,
    [PHASES.bytecode]: 9,
    [PHASES.evaluate]: 4, // 29 to 33
    [PHASES.moreBytecode]: 3,
    [PHASES.command]: 4,
    [PHASES.connect]: 1,
    [PHASES.script]: 5, // 41 to 43, 44 to 45 (the call is written, and not yet waited for), 51 to 53
    "libvirtd: AUTH_LIST": 7,
    "libvirtd: GET_STATE and GET_XML_DESC": 5,
    [PHASES.xml]: 7,
    "libvirtd: CONNECT_CLOSE": 1.4, // 65 to 66, 69.5 to 69.9: something else may come between
    [PHASES.print]: 3.6,
    [PHASES.exit]: 5,
  });
});

test("splitRun() calls JavaScript by what comes after it: the daemon, where nothing more is loaded", () => {
  const [marks = []] = readMarks(MARKS.replace("33000 JS_ReadObject\n36000 JS_ReadObject.\n", ""));
  const phases = splitRun(marks, { beginUs: 3, endUs: 95 });
  expect(phases.get(PHASES.command)).toBe(11);
  expect(phases.has(PHASES.evaluate)).toBe(false);
});

test.each([
  ["that has no end", "10000 main\n11000 exit\n"],
  ["of which some are missing", "10000 main\n11000 poll.\n12000 exit\n13000 written\n"],
])("splitRun() refuses marks %s", (_, text) => {
  const [marks = []] = readMarks(text);
  expect(() => splitRun(marks, { beginUs: 3, endUs: 95 })).toThrow(/marks/);
});

/** What a login asks of the daemon and of the kernel, in turn. */
function listActs(reach: typeof reachGuest): string[] {
  const sys = makeSystem({
    system: new FakeLibvirtd({
      domains: [{ name: "web", cid: 7 }],
      before: (procedure) => sys.log.push(`call ${procedure}`),
    }),
    vsock: { "7:22": "connected" },
    streams: { 8: { incoming: ["SSH-2.0-x\r\n"] } },
    files: { [RECORDS]: directory() },
  });
  const request = { target: parseTarget("qemu/web"), port: 22, deadlineMs: sys.nowMs() + 30_000 };
  proxy(request, { handOver: "descriptor", reach: (asked, how) => reach(asked, how, sys) }, sys);
  return sys.log;
}

test("the build without peek and guard does all else that a login does, in the same order", () => {
  const whole = listActs(reachGuest);
  const guards = [whole.lastIndexOf("call 14"), whole.indexOf("peek 8")]; // GET_XML_DESC, the second time
  expect(guards).not.toContain(-1);
  expect(listActs(reachUnguarded)).toEqual(whole.filter((_, index) => !guards.includes(index)));
});
