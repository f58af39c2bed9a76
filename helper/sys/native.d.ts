/** What native/native.c gives to TypeScript. Every number below 0 is a negative errno; deadlines are on nowMs()'s clock. */
declare module "virtssh:native" {
  export const args: readonly string[];
  export function nowMs(): number;
  export function userId(): number;
  export function environment(name: string): string | undefined;
  export function exit(status: number): never;
  export function close(fd: number): number;
  export function open(path: string): number;
  export function stat(path: string): number | [mode: number, uid: number, gid: number];
  export function connectUnix(path: string, milliseconds: number): number;
  export function socketVsock(): number;
  export function connectVsock(fd: number, cid: number, port: number, milliseconds: number): number;
  export function socketError(fd: number): number;
  export function setBlocking(fd: number): number;
  export function socketDomain(fd: number): number;
  export function poll(fd: number, events: number, other: number, deadlineMs: number): number;
  export function read(fd: number, bytes: Uint8Array): number;
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
  export function spawn(program: string, first: string, second: string): number;
}
