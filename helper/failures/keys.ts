/** What can be wrong with a file of public keys. */

/** Why a line is no public key that sshd takes. */
export type KeyLineProblem =
  | "no key"
  | "options"
  | "damaged"
  | "unsafe characters"
  | "certificate"
  | "DSA"
  | "unknown type"
  | "open quote";
