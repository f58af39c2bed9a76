// What the time of one `virtssh resolve` is spent on, out of the marks that marks.c writes down.

/** When something was begun or, with `isEnd`, ended. */
interface Mark {
  readonly us: number;
  readonly name: string;
  readonly isEnd: boolean;
  /** What a message to the daemon calls. */
  readonly procedure?: number;
}

/** What messages ask, by their numbers in remote_protocol.x; the two in the middle are answered together. */
const PAIR = "GET_STATE and GET_XML_DESC";
const GET_XML_DESC = 14;
const CONNECT_CLOSE = 2;
const CALLS: Readonly<Record<number, string>> = {
  66: "AUTH_LIST",
  1: "CONNECT_OPEN",
  23: "DOMAIN_LOOKUP_BY_NAME",
  212: PAIR,
  [GET_XML_DESC]: PAIR,
  [CONNECT_CLOSE]: "CONNECT_CLOSE",
};

/** Written, waited for and read: a daemon on the same processor may have answered before the write returns. */
const waitFor = (procedure: number) => `libvirtd: ${CALLS[procedure] ?? `procedure ${procedure}`}`;

export const PHASES = {
  start: "exec, and the C library's start",
  engine: "the engine's runtime and context",
  builtIn: "its built-in objects",
  bytecode: "bytecode: what every command loads",
  evaluate: "JavaScript: until more is loaded",
  moreBytecode: "bytecode: what this command loads, too",
  command: "JavaScript: until the daemon is asked",
  connect: "connecting to the daemon",
  script: "JavaScript: between the calls",
  xml: "JavaScript: with the XML",
  print: "JavaScript: printing, once the farewell is sent",
  exit: "exit, as the kernel takes it all back",
} as const;

/** In the order of a table: the calls come behind what they are called by. */
export const ROWS: readonly string[] = Object.values(PHASES).flatMap((phase) =>
  phase === PHASES.connect ? [phase, ...new Set([66, 1, 23, 212, CONNECT_CLOSE].map(waitFor))] : [phase],
);

/** Where a run is. */
interface Position {
  /** What has been entered and not been left. */
  readonly inside: string[];
  hasContext: boolean;
  hasRead: boolean;
  hasReadMore: boolean;
  isConnected: boolean;
  /** What was asked last. */
  asked: number | undefined;
  isPrinting: boolean;
}

function scriptPhase({ hasReadMore, isConnected, asked }: Position): string {
  if (!isConnected) return hasReadMore ? PHASES.command : PHASES.evaluate;
  if (asked === GET_XML_DESC) return PHASES.xml;
  return asked === CONNECT_CLOSE ? PHASES.print : PHASES.script;
}

/** What the time up to the next mark is spent on. */
function phaseAt(position: Position): string {
  const innermost = position.inside.at(-1) ?? "";
  if (innermost === "write" && position.isPrinting) return PHASES.print;
  if (["poll", "read", "write"].includes(innermost) && position.asked !== undefined) return waitFor(position.asked);
  if (innermost === "socket" || innermost === "connect") return PHASES.connect;
  if (innermost === "JS_ReadObject") return position.hasReadMore ? PHASES.moreBytecode : PHASES.bytecode;
  if (!position.hasContext) return PHASES.engine;
  return position.hasRead ? scriptPhase(position) : PHASES.builtIn;
}

/** What runs JavaScript, which may have more of it loaded. */
const RUNNING = ["JS_EvalFunction", "JS_ExecutePendingJob"];

function advance(position: Position, { name, isEnd, procedure }: Mark): void {
  if (!isEnd) position.inside.push(name);
  else if (position.inside.pop() !== name) throw new Error(`marks are missing: ${name} is left, and was not entered`);
  if (name === "JS_NewContextRaw" && isEnd) position.hasContext = true;
  if (name === "JS_ReadObject") {
    position.hasRead = true;
    position.hasReadMore = position.inside.some((outer) => RUNNING.includes(outer));
  }
  if (name === "connect" && isEnd) position.isConnected = true;
  if (name === "write" && !isEnd) {
    position.isPrinting = procedure === undefined;
    position.asked = procedure ?? position.asked;
  }
}

/** Nothing was waited for but the daemon. */
function withoutMore(phases: Map<string, number>): Map<string, number> {
  phases.set(PHASES.command, phases.get(PHASES.evaluate) ?? 0);
  phases.delete(PHASES.evaluate);
  return phases;
}

/** When a process was started, and when it had been waited for. */
export interface Span {
  readonly beginUs: number;
  readonly endUs: number;
}

/** Microseconds of each phase of a run: all of its time, but for what writing down its marks took. */
export function splitRun(marks: readonly Mark[], { beginUs, endUs }: Span): Map<string, number> {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first?.name !== "main" || last?.name !== "written") throw new Error("a run's marks are from main to written");
  const phases = new Map<string, number>([
    [PHASES.start, first.us - beginUs],
    [PHASES.exit, endUs - last.us],
  ]);
  const position: Position = {
    inside: [],
    hasContext: false,
    hasRead: false,
    hasReadMore: false,
    isConnected: false,
    asked: undefined,
    isPrinting: false,
  };
  for (const [index, mark] of marks.slice(1, -1).entries()) {
    const before = marks[index] ?? first;
    const phase = phaseAt(position);
    phases.set(phase, (phases.get(phase) ?? 0) + mark.us - before.us);
    advance(position, mark);
  }
  return position.hasReadMore ? phases : withoutMore(phases);
}

/** Each run's marks begin with main. */
export function readMarks(text: string): Mark[][] {
  const runs: Mark[][] = [];
  for (const line of text.trim().split("\n")) {
    const found = /^(\d+) (\w+)(?::(\d+))?(\.?)$/.exec(line);
    if (found === null) throw new Error(`this is no mark: ${line}`);
    const [, ns = "0", name = "", procedure, end] = found;
    const mark = { us: Number(BigInt(ns)) / 1e3, name, isEnd: end === "." };
    if (name === "main") runs.push([]);
    runs.at(-1)?.push(procedure === undefined ? mark : { ...mark, procedure: Number(procedure) });
  }
  return runs;
}
