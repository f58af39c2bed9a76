/** Connects to many guests at once, over the native module. Loaded by `virtssh list` alone. */

import * as native from "virtssh:native";
import { check, OpenDescriptor } from "./descriptor.ts";
import { EAGAIN, EINPROGRESS, ETIMEDOUT } from "./errno.ts";
import type { Probed, ProbeVsock, VsockAddress } from "./system.ts";

/** Bits of poll(2). */
const POLLIN = 0x001;
const POLLOUT = 0x004;

/** struct pollfd in poll.h, in words of 16 bits: `int fd; short events; short revents;`. A negative fd is passed over. */
const WORDS = 4;
const EVENTS = 2;
const READY = 3;
const NONE = -1;

/** A connection on its way, and what it has come to. */
interface Attempt {
  readonly socket: OpenDescriptor;
  probed: Probed;
  waitsFor: number;
}

/** What is read at once, and what is waited for: a word may come in parts. */
const FIRST_BYTES = 255;
const WORD_BYTES = 4;

/** Each is closed as soon as it has come to something: one that is open costs the guest's sshd one of its MaxStartups. */
export const probeVsock: ProbeVsock = (addresses, deadlineMs) => {
  const attempts: Attempt[] = [];
  try {
    for (const address of addresses) attempts.push(begin(address, deadlineMs));
    awaitAll(attempts.filter(isWaiting), deadlineMs);
    return attempts.map(({ probed }) => probed);
  } finally {
    for (const { socket } of attempts.filter(isWaiting)) socket[Symbol.dispose]();
  }
};

function isWaiting({ waitsFor }: Attempt): boolean {
  return waitsFor !== 0;
}

/** The table has rows for open descriptors alone: poll(2) takes no more of them than there may be descriptors. */
function awaitAll(attempts: readonly Attempt[], deadlineMs: number): void {
  const table = new Int16Array(attempts.length * WORDS);
  for (const [row, attempt] of attempts.entries()) watch(table, row, attempt);
  while (attempts.some(isWaiting) && check("poll", native.pollAll(table, deadlineMs)) > 0) {
    for (const [row, attempt] of attempts.entries()) {
      if (table[row * WORDS + READY] === 0) continue;
      advance(attempt);
      watch(table, row, attempt);
    }
  }
}

function begin({ cid, port }: VsockAddress, deadlineMs: number): Attempt {
  const socket = new OpenDescriptor(check("socket", native.socketVsock()));
  const started = native.connectVsock(socket.fd, cid, port, Math.max(1, Math.ceil(deadlineMs - native.nowMs())));
  const attempt: Attempt = { socket, probed: { errno: ETIMEDOUT, said: undefined }, waitsFor: POLLOUT };
  if (started !== -EINPROGRESS) connected(attempt, -started);
  return attempt;
}

function connected(attempt: Attempt, errno: number): void {
  attempt.probed = { errno, said: undefined };
  if (errno === 0) attempt.waitsFor = POLLIN;
  else end(attempt);
}

function end(attempt: Attempt): void {
  attempt.waitsFor = 0;
  attempt.socket[Symbol.dispose]();
}

/** It is ready for what it was waited for. */
function advance(attempt: Attempt): void {
  const { fd } = attempt.socket;
  if (attempt.waitsFor === POLLOUT) {
    connected(attempt, check("getsockopt", native.socketError(fd)));
    return;
  }
  const bytes = new Uint8Array(FIRST_BYTES);
  const count = native.read(fd, bytes);
  if (count === -EAGAIN) return;
  const said = Uint8Array.of(...(attempt.probed.said ?? []), ...bytes.subarray(0, Math.max(0, count))); // a reset is an end, too
  attempt.probed = { errno: 0, said };
  if (count <= 0 || said.length >= WORD_BYTES) end(attempt);
}

/** Tells poll(2) what is waited for. */
function watch(table: Int16Array, row: number, { socket, waitsFor }: Attempt): void {
  const fd = new Int32Array(table.buffer, row * WORDS * table.BYTES_PER_ELEMENT, 1);
  fd[0] = waitsFor === 0 ? NONE : socket.fd;
  table[row * WORDS + EVENTS] = waitsFor;
}
