// The order in which setup does things, and what it does when it is not alone. test/daemon/setup.test.ts has the rest, on real files.
import { expect, test } from "vitest";
import { formatSetup, setUp, undoSetup } from "../../../helper/cli/setup.ts";
import { EPERM } from "../../../helper/sys/errno.ts";
import type { FileFacts } from "../../../helper/sys/system.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { runWords } from "./run.ts";

const SSH = "/home/alice/.ssh";
const CONFIG = `${SSH}/config`;
const BLOCK = `${SSH}/virtssh.conf`;
const LINE = `Include ${BLOCK}`;

const own = (text: string): FakeFile => ({ text, mode: 0o100644, uid: 1000, gid: 100 });

const SURROUNDINGS: Readonly<Record<string, FakeFile>> = {
  "/etc/passwd": { text: "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000:A:/home/alice:/bin/sh\nother:x:1000:1:::\n" },
  "/proc/self": { mode: 0o040555, uid: 1000, gid: 100 },
  "/proc/self/exe": { link: "/usr/bin/virtssh" },
  "/usr/bin/virtssh": {},
};

const makeSystem = (
  files: Readonly<Record<string, FakeFile>> = {},
  fileErrnos: Readonly<Record<string, number>> = {},
) => new FakeSystem({ files: { ...SURROUNDINGS, ...files }, fileErrnos });

function run(act: typeof setUp, sys: FakeSystem): string {
  let printed = "";
  act(sys, (text) => {
    printed += text;
  });
  return printed;
}

test("setUp() writes each file beside its place, then puts it there, the line last", () => {
  const sys = makeSystem();
  expect(run(setUp, sys)).toBe(`made ${SSH}\nwrote ${BLOCK}\nwrote ${CONFIG}: ${LINE}\n`);
  expect(sys.log).toEqual([
    `make directory ${SSH} 700`,
    `create ${BLOCK}.virtssh-new`,
    `rename ${BLOCK}.virtssh-new ${BLOCK}`,
    `create ${CONFIG}.virtssh-new`,
    `rename ${CONFIG}.virtssh-new ${CONFIG}`,
  ]);
  expect(sys.files[BLOCK]).toEqual({ text: formatSetup(sys), mode: 0o100600, uid: 1000, gid: 100 });
});

test("virtssh setup does all of it where nobody reads what it says", () => {
  const sys = new FakeSystem({ files: SURROUNDINGS, streams: { 1: { takesBytes: 0 } } });
  expect(runWords(["setup"], sys)).toBe(141);
  expect(sys.files[CONFIG]?.text).toBe(`# Made by virtssh setup\n${LINE}\n`);
});

test("setUp() keeps the mode and the owner of the configuration", () => {
  const sys = makeSystem({ [SSH]: {}, [CONFIG]: own("Host a\n") });
  expect(run(setUp, sys)).toBe(`wrote ${BLOCK}\nadded to the top of ${CONFIG}: ${LINE}\n`);
  expect(sys.files[CONFIG]).toEqual(own(`${LINE}\nHost a\n`));
});

test("undoSetup() takes the line out first, and leaves nothing of setUp()", () => {
  const sys = makeSystem({ [SSH]: {}, [CONFIG]: own("Host a\n") });
  const before = { ...sys.files };
  run(setUp, sys);
  sys.log.length = 0;
  expect(run(undoSetup, sys)).toBe(`took out of ${CONFIG}: ${LINE}\nremoved ${BLOCK}\n`);
  expect(sys.log).toEqual([
    `create ${CONFIG}.virtssh-new`,
    `rename ${CONFIG}.virtssh-new ${CONFIG}`,
    `create ${BLOCK}.virtssh-new`,
    `remove ${BLOCK}`,
    `remove ${BLOCK}.virtssh-new`,
  ]);
  expect(sys.files).toEqual(before);
});

/** Does something else as soon as the new file of `path` has been made. */
class Crowded extends FakeSystem {
  readonly #path: string;
  #act: (() => void) | undefined;

  constructor(path: string, files: Readonly<Record<string, FakeFile>>, act: (files: Record<string, FakeFile>) => void) {
    super({ files: { ...SURROUNDINGS, ...files } });
    this.#path = path;
    this.#act = () => act(this.files);
  }

  override createFile(path: string, content: Uint8Array, facts: FileFacts): void {
    super.createFile(path, content, facts);
    if (path !== `${this.#path}.virtssh-new`) return;
    this.#act?.();
    this.#act = undefined;
  }
}

test("setUp() begins again where the configuration was changed while it was at work", () => {
  const sys = new Crowded(CONFIG, { [SSH]: {}, [CONFIG]: own("Host a\n") }, (files) => {
    files[CONFIG] = own("Host b\n");
  });
  run(setUp, sys);
  expect(sys.files[CONFIG]).toEqual(own(`${LINE}\nHost b\n`));
});

test("setUp() adds nothing where another has just done so", () => {
  const sys = new Crowded(CONFIG, { [SSH]: {}, [CONFIG]: own("Host a\n") }, (files) => {
    files[CONFIG] = own(`${LINE}\nHost a\n`);
  });
  expect(run(setUp, sys)).toBe(`wrote ${BLOCK}\n`);
  expect(sys.files[CONFIG]).toEqual(own(`${LINE}\nHost a\n`));
  expect(sys.files[`${CONFIG}.virtssh-new`]).toBeUndefined();
});

test("undoSetup() does not mind a file that another removes while it looks", () => {
  const sys = makeSystem({ [SSH]: {}, [BLOCK]: own(formatSetup(makeSystem())) });
  const readFile = sys.readFile.bind(sys);
  sys.readFile = (path, maxBytes) => {
    if (path === BLOCK) delete sys.files[BLOCK];
    return readFile(path, maxBytes);
  };
  expect(run(undoSetup, sys)).toBe("nothing to remove\n");
});

test("setUp() waits for another, and not for ever", () => {
  const lock = `${CONFIG}.virtssh-new`;
  const files = { ...SURROUNDINGS, [SSH]: {}, [CONFIG]: own(""), [lock]: own("") };
  const act = (sys: FakeSystem) => void delete sys.files[lock];
  const patient = new FakeSystem({ files, events: [{ afterMs: 1000, act }] });
  expect(run(setUp, patient)).toContain(`added to the top of ${CONFIG}`);
  const sys = new FakeSystem({ files });
  const failure = failureOf(() => run(setUp, sys));
  expect(failure).toEqual({ kind: "setup-failed", path: CONFIG, problem: { is: "busy", lock } });
  expect(sys.files[lock]).toEqual(own(""));
});

test("setUp() takes away what it made where the last step fails", () => {
  const sys = makeSystem({ [SSH]: {}, [CONFIG]: own("Host a\n") }, { rename: EPERM });
  expect(failureOf(() => run(setUp, sys))).toMatchObject({ path: BLOCK, problem: { act: "write", errno: "EPERM" } });
  expect(Object.keys(sys.files).filter((path) => path.startsWith(SSH))).toEqual([SSH, CONFIG]);
  expect(sys.files[CONFIG]).toEqual(own("Host a\n"));
});

test("setUp() writes nothing where the configuration cannot be used", () => {
  const sys = makeSystem({ [SSH]: {}, [CONFIG]: { ...own("Host a\n"), mode: 0o100444 } });
  expect(failureOf(() => run(setUp, sys))).toMatchObject({ path: CONFIG, problem: { is: "read-only" } });
  expect(sys.log).toEqual([]);
});

const HOME = "/three//";

test.each([
  ["the first row of /etc/passwd with our uid", { text: "a:x:1000:1::/one:\nb:x:1000:1::/two:\n" }, "/one"],
  ["HOME where there is no such row", { text: "root:x:0:0::/root:\n" }, "/three"],
  ["HOME where the row has no directory", { text: "a:x:1000:1:::\n" }, "/three"],
])("setUp() finds the home directory: %s", (_, passwd, expected) => {
  const sys = new FakeSystem({ files: { ...SURROUNDINGS, "/etc/passwd": passwd }, environment: { HOME } });
  expect(run(setUp, sys)).toContain(`wrote ${expected}/.ssh/config`);
});

test("setUp() finds the home directory: HOME where there is no /etc/passwd", () => {
  const { "/etc/passwd": _, ...files } = SURROUNDINGS;
  expect(run(setUp, new FakeSystem({ files, environment: { HOME } }))).toContain("wrote /three/.ssh/config");
});
