// Stands for helper/proxy.ts in a build of its own: calls the C module's functions as the input says, with values of the right kinds, and of
// wrong ones. Those that end the process, or wait for a lock, are left out; harness.c stands between the others and the kernel.
import * as native from "virtssh:native";

type Native = (...values: readonly unknown[]) => unknown;

/** What is given to a function, a letter each: a path, a descriptor, a number, bytes, words. */
const FUNCTIONS: readonly (readonly [name: keyof typeof native, kinds: string])[] = [
  ["environment", "p"],
  ["close", "f"],
  ["open", "p"],
  ["openItself", "p"],
  ["stat", "p"],
  ["statItself", "p"],
  ["statOpen", "f"],
  ["connectUnix", "pn"],
  ["socketVsock", ""],
  ["connectVsock", "fnnn"],
  ["socketError", "f"],
  ["setBlocking", "f"],
  ["socketDomain", "f"],
  ["poll", "fnffn"],
  ["pollAll", "bn"],
  ["read", "fb"],
  ["peek", "fb"],
  ["write", "fb"],
  ["sendFd", "ff"],
  ["pipe", ""],
  ["splice", "ffn"],
  ["abandon", "f"],
  ["shutdownWrite", "f"],
  ["probeWrite", "f"],
  ["fork", ""],
  ["wait", "nn"],
  ["spawn", "wf"],
  ["isTerminal", "f"],
  ["realPath", "p"],
  ["readLink", "p"],
  ["listDirectory", "p"],
  ["create", "pn"],
  ["setMode", "fn"],
  ["setOwner", "fnn"],
  ["sync", "f"],
  ["rename", "pp"],
  ["remove", "p"],
  ["makeDirectory", "pn"],
  ["removeDirectory", "p"],
  ["openLock", "p"],
  ["kill", "nn"],
  ["nowMs", ""],
  ["unixTime", ""],
  ["parentId", ""],
  ["userId", ""],
  ["findChild", "bnb"],
  ["collect", ""],
];

const STDIN = 0;
const MOST_BYTES = 4_096;
const MOST_CALLS = 64;

/** No descriptor of the program is so high; harness.c's own begin where these end. */
const FIRST_FD = 256;

class Input {
  readonly #bytes = new Uint8Array(MOST_BYTES);
  readonly #length = Math.max(0, native.read(STDIN, this.#bytes));
  #at = 0;

  get isAtEnd(): boolean {
    return this.#at >= this.#length;
  }

  byte(): number {
    this.#at += 1;
    return this.#bytes[this.#at - 1] ?? 0;
  }

  number(): number {
    const exact = [
      0,
      -1,
      0x7fff_ffff,
      -0x8000_0000,
      2 ** 32,
      2 ** 53,
      1e308,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      0.5,
    ];
    const which = this.byte();
    return exact[which] ?? which - exact.length;
  }

  text(): string {
    const units = Array.from({ length: this.byte() }, () => this.byte());
    return `./${String.fromCharCode(...units.map((unit) => (unit < 0xf0 ? unit : 0xd7ff + unit)))}`;
  }

  bytes(): Uint8Array | Int16Array {
    const [start, length] = [this.byte(), this.byte()];
    const whole = new Uint8Array(start + length * (this.byte() === 0xff ? 4_096 : 1));
    return start % 8 === 1 ? new Int16Array(whole.buffer, 0, whole.length >> 1) : whole.subarray(start);
  }

  value(kind: string, fds: readonly number[]): unknown {
    if (kind === "n") return this.number();
    const wrong = [undefined, null, "x", -1, {}, [], Number.NaN, new ArrayBuffer(8), 1n, false];
    const how = this.byte();
    if (how >= 0xf0) return wrong[how % wrong.length];
    switch (kind) {
      case "p":
        return this.text();
      case "f":
        return fds[how % (fds.length + 1)] ?? FIRST_FD + how;
      case "b":
        return this.bytes();
      default:
        return Array.from({ length: how % 20 }, () => this.text());
    }
  }
}

/** Throws nothing: what a call throws is its answer. */
function call(input: Input, fds: readonly number[]): unknown {
  const [name, kinds] = FUNCTIONS[input.byte() % FUNCTIONS.length] ?? ["pipe", ""];
  const values = Array.from(kinds, (kind) => input.value(kind, fds));
  try {
    // biome-ignore lint/performance/noDynamicNamespaceImportAccess: the input names the function
    return (native[name] as Native)(...values);
  } catch {
    return undefined;
  }
}

/** `virtssh proxy XML_TARGET` reads the input as XML. */
const XML_TARGET = "xml.qemu";
const MOST_XML_BYTES = 65_536;
const NAMES = ["domain", "devices", "vsock", "cid", "a", ""];
const EXIT_BUG = 70;

/** From each place that was found to the next, by each name. */
function findChildren(): void {
  const buffer = new Uint8Array(MOST_XML_BYTES);
  const xml = buffer.slice(0, Math.max(0, native.read(STDIN, buffer)));
  for (const name of NAMES) {
    const bytes = Uint8Array.from(name, (unit) => unit.charCodeAt(0));
    for (let from = 0; from >= 0; ) {
      const found = native.findChild(xml, from, bytes);
      if (found >= 0 && (found < from || xml[found] !== 0x3c)) native.exit(EXIT_BUG); // no `<`
      from = found < 0 ? found : found + 1;
    }
  }
}

function callAll(): void {
  const input = new Input();
  const fds: number[] = [];
  for (let left = MOST_CALLS; left > 0 && !input.isAtEnd; left -= 1) {
    const answer = call(input, fds);
    const numbers = Array.isArray(answer) ? answer : [answer];
    fds.push(...numbers.filter((one) => typeof one === "number" && one > 2 && one < FIRST_FD));
  }
}

export function proxy(): void {
  if (native.args.includes(XML_TARGET)) findChildren();
  else callAll();
}

/** main.ts imports it. */
export function reachGuest(): void {
  proxy();
}
