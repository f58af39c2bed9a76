/** What keeps us from giving a guest keys for its next boot. */

/** Why a file cannot become a seed image. */
export type SeedProblem =
  | { readonly is: "refused"; readonly errno: string }
  /** There is something there already, which is not to be lost. */
  | { readonly is: "foreign" }
  /** The program that makes images has not made one. */
  | { readonly is: "program-failed"; readonly program: string; readonly words: string };

export type BootFailure =
  | { readonly kind: "no-iso-program"; readonly programs: readonly string[] }
  | { readonly kind: "seed-failed"; readonly path: string; readonly problem: SeedProblem };
