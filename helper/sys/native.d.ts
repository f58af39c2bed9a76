/** What native/native.c gives to TypeScript. Every number below 0 is a negative errno unless told; deadlines are on nowMs()'s clock. */
declare module "virtssh:native" {
  export const args: readonly string[];
  export function nowMs(): number;
  export function userId(): number;
  export function parentId(): number;
  export function unixTime(): number;
  export function environment(name: string): string | undefined;
  export function exit(status: number): never;
  export function close(fd: number): number;
  export function open(path: string): number;
  export function stat(path: string): number | [mode: number, uid: number, gid: number];
  export function openItself(path: string): number;
  export function statItself(path: string): number | [mode: number, uid: number, gid: number];
  export function statOpen(fd: number): number | [mode: number, uid: number, gid: number];
  export function connectUnix(path: string, milliseconds: number): number;
  export function socketVsock(): number;
  export function connectVsock(fd: number, cid: number, port: number, milliseconds: number): number;
  export function socketError(fd: number): number;
  export function setBlocking(fd: number): number;
  export function socketDomain(fd: number): number;
  export function poll(fd: number, events: number, other: number, waker: number, deadlineMs: number): number;
  export function pollAll(table: Int16Array, deadlineMs: number): number;
  /** Frees what nothing but itself refers to. */
  export function collect(): number;
  export function read(fd: number, bytes: Uint8Array): number;
  export function peek(fd: number, bytes: Uint8Array): number;
  export function write(fd: number, bytes: Uint8Array): number;
  export function sendFd(over: number, fd: number): number;
  export function pipe(): number | [readEnd: number, writeEnd: number];
  export function splice(from: number, to: number, maxBytes: number): number;
  export function abandon(fd: number): number;
  export function shutdownWrite(fd: number): number;
  export function probeWrite(fd: number): number;
  export function fork(): number;
  export function kill(pid: number, signal: number): number;
  export function wait(pid: number, deadlineMs: number): number;
  export function spawn(words: readonly string[], output: number): number;
  export function isTerminal(fd: number): boolean;
  export function realPath(path: string): string | number;
  export function readLink(path: string): string | number;
  export function create(path: string, mode: number): number;
  export function setMode(fd: number, mode: number): number;
  export function setOwner(fd: number, uid: number, gid: number): number;
  export function sync(fd: number): number;
  export function rename(from: string, to: string): number;
  export function remove(path: string): number;
  export function removeDirectory(path: string): number;
  export function makeDirectory(path: string, mode: number): number;
  /** Below 0 it is one of system.ts's XML_CUT_SHORT and XML_DOCTYPE. */
  export function findChild(xml: Uint8Array, from: number, name: Uint8Array): number;
  export function listDirectory(path: string): string[] | number;
  export function openLock(path: string): number;
  export function lock(fd: number, milliseconds: number): number;
}
