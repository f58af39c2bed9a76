/** The user's home directory. */

import { type System, SystemError } from "./sys/system.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Room for some forty thousand users. */
const MAX_PASSWD_BYTES = 4_194_304;

/**
 * As ssh finds it; undefined where there is none. ssh asks getpwuid(3), and not $HOME: main() in its ssh.c. A static program has no
 * NSS, so this reads what lies under it. A user who is not in /etc/passwd comes out of LDAP or the like: HOME, which login(1) set
 * from there, is the best guess.
 */
export function findHome(sys: System): string | undefined {
  return absolute(findHomeInPasswd(readPasswd(sys), sys.userId()) ?? sys.environment("HOME"));
}

/**
 * The same in nearly every case, without reading /etc/passwd in nearly every case: HOME, where it is our user's own. It is not under
 * `sudo -E`, which leaves it at somebody else's.
 */
export function findOwnHome(sys: System): string | undefined {
  const home = absolute(sys.environment("HOME"));
  return home !== undefined && isOwn(home, sys) ? home : findHome(sys);
}

function isOwn(path: string, sys: System): boolean {
  try {
    return sys.readFileFacts(path).uid === sys.userId();
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}

function absolute(path: string | undefined): string | undefined {
  return path?.startsWith("/") === true ? path.replace(/\/+$/, "") : undefined;
}

function readPasswd(sys: System): string {
  try {
    return decodeUtf8(sys.readFile("/etc/passwd", MAX_PASSWD_BYTES));
  } catch (error) {
    if (error instanceof SystemError) return "";
    throw error;
  }
}

/** passwd(5): name, password, UID, GID, comment, home, shell. The first row counts. */
function findHomeInPasswd(passwd: string, uid: number): string | undefined {
  const rows = passwd.split("\n").map((row) => row.split(":"));
  return rows.find((fields) => fields[2] === String(uid))?.[5] || undefined;
}
