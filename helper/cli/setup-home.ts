/** The user's home directory, as ssh finds it. */

import { HelperError } from "../failure.ts";
import { type System, SystemError } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";

/** Room for some forty thousand users. */
const MAX_PASSWD_BYTES = 4_194_304;

/**
 * ssh asks getpwuid(3), and not $HOME: main() in its ssh.c. A static program has no NSS, so this reads what lies under it. A user
 * who is not in /etc/passwd comes out of LDAP or the like: HOME, which login(1) set from there, is the best guess.
 * @throws HelperError
 */
export function findHome(sys: System): string {
  const uid = sys.userId();
  const home = findHomeInPasswd(readPasswd(sys), uid) ?? sys.environment("HOME");
  if (home === undefined || !home.startsWith("/")) throw new HelperError({ kind: "setup-no-home", uid });
  return home.replace(/\/+$/, "");
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
