/** What can be wrong with a file of public keys. */

/** Why a file is of no use as one of public keys. */
export type KeyFileProblem =
  | { readonly is: "refused"; readonly errno: string }
  | { readonly is: "too-large"; readonly maxBytes: number }
  | { readonly is: "too-many"; readonly maxKeys: number }
  | { readonly is: "no-key" }
  /** Which must not go anywhere. */
  | { readonly is: "private-key" }
  /** Keys in the form of another program: what makes lines of authorized_keys of them. */
  | { readonly is: "other-format"; readonly format: ForeignFormat }
  /** From 1. */
  | { readonly is: "bad-line"; readonly line: number; readonly problem: KeyLineProblem };

/** As `ssh-keygen -m` calls them: RFC 4716, and PEM of two kinds. */
export type ForeignFormat = "RFC4716" | "PKCS8" | "PEM";

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

export type KeyFailure =
  /** `path` is undefined for standard input. */
  { readonly kind: "bad-key-file"; readonly path: string | undefined; readonly problem: KeyFileProblem };
