/**
 * Loads what is beside the hot path, when it is asked for, and of the command line's larger commands the one that is run. In a file of its
 * own, because the engine's import() wants the name of the file that it stands in, which the build takes out of every other file:
 * the program starts faster without.
 */

/** `virtssh known-hosts`, which ssh runs twice a login. */
export function loadKnownHosts(): Promise<typeof import("./hostkeys/run-known-hosts.ts")> {
  return import("./hostkeys/run-known-hosts.ts");
}

/** `virtssh proxy --wait`. */
export function loadAwaitGuest(): Promise<typeof import("./await-guest.ts")> {
  return import("./await-guest.ts");
}

/** `virtssh resolve` in its usual forms. */
export function loadResolve(): Promise<typeof import("./cli/run-resolve.ts")> {
  return import("./cli/run-resolve.ts");
}

/** The words for what went wrong. */
export function loadReport(): Promise<typeof import("./report.ts")> {
  return import("./report.ts");
}

/** What the larger commands run; of which only the one that is run is loaded. */
export interface Parts {
  readonly diagnose?: typeof import("./cli/doctor.ts").diagnose;
  readonly setup?: Pick<typeof import("./cli/setup.ts"), "formatSetup" | "setUp" | "undoSetup">;
  readonly enable?: typeof import("./cli/enable.ts").enable;
  readonly formatInventory?: typeof import("./cli/inventory.ts").formatInventory;
  readonly formatCompletion?: typeof import("./cli/completion.ts").formatCompletion;
  readonly list?: Pick<typeof import("./cli/list.ts"), "printList"> &
    Pick<typeof import("./report.ts"), "reportNotice"> &
    Pick<typeof import("./sys/probe.ts"), "probeVsock">;
  readonly keys?: Pick<typeof import("./cli/keys.ts"), "addKeys" | "formatKeys" | "removeKeys">;
  readonly formatCredential?: typeof import("./cli/credential.ts").formatCredential;
  readonly formatSeed?: typeof import("./cli/seed.ts").formatSeed;
  readonly trust?: Pick<typeof import("./cli/trust.ts"), "forget" | "formatShown" | "listTrust">;
}

/** `words` are those on the command line. */
export function loadProgram(words: readonly string[]): Promise<[typeof import("./cli/program.ts"), Parts]> {
  return Promise.all([import("./cli/program.ts"), loadParts(words)]);
}

function loadParts([word, inner]: readonly string[]): Promise<Parts> {
  switch (word) {
    case "list":
      return Promise.all([import("./cli/list.ts"), loadReport(), import("./sys/probe.ts")]).then(
        ([{ printList }, { reportNotice }, { probeVsock }]) => ({ list: { printList, reportNotice, probeVsock } }),
      );
    case "keys":
      return loadKeys(inner);
    case "doctor":
      return import("./cli/doctor.ts").then(({ diagnose }) => ({ diagnose }));
    case "setup":
      return import("./cli/setup.ts").then(({ formatSetup, setUp, undoSetup }) => ({
        setup: { formatSetup, setUp, undoSetup },
      }));
    case "enable":
      return import("./cli/enable.ts").then(({ enable }) => ({ enable }));
    case "inventory":
      return import("./cli/inventory.ts").then(({ formatInventory }) => ({ formatInventory }));
    case "completion":
      return import("./cli/completion.ts").then(({ formatCompletion }) => ({ formatCompletion }));
    case "trust":
      return import("./cli/trust.ts").then(({ forget, formatShown, listTrust }) => ({
        trust: { forget, formatShown, listTrust },
      }));
    default:
      return Promise.resolve({});
  }
}

/** `word` is the second on the command line. */
function loadKeys(word: string | undefined): Promise<Parts> {
  switch (word) {
    case "credential":
      return import("./cli/credential.ts").then(({ formatCredential }) => ({ formatCredential }));
    case "cloud-init":
      return import("./cli/seed.ts").then(({ formatSeed }) => ({ formatSeed }));
    default:
      return import("./cli/keys.ts").then(({ addKeys, formatKeys, removeKeys }) => ({
        keys: { addKeys, formatKeys, removeKeys },
      }));
  }
}
