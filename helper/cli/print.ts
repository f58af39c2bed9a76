/** Writes what was asked for to stdout, and says whether somebody reads it. */

import { EPIPE } from "../sys/errno.ts";
import { ClientGoneError, type System, SystemError } from "../sys/system.ts";
import { encodeUtf8 } from "../utf8.ts";

const STDOUT = 1;

/** 128 and SIGPIPE (13), as a shell tells of what that has ended: what other programs come to whose reader has read enough. */
export const READER_GONE = 141;

/** Whether somebody reads it. Where nobody does, what is being done goes on, and what goes wrong is still told of. */
export function printText(text: string, sys: System): boolean {
  try {
    sys.write(STDOUT, encodeUtf8(text), Number.POSITIVE_INFINITY);
    return true;
  } catch (error) {
    if (error instanceof ClientGoneError || (error instanceof SystemError && error.errno === EPIPE)) return false;
    throw error;
  }
}
