/**
 * Loads the command line beside the hot path, when it is asked for. In a file of its own, because the engine's import() wants the
 * name of the file that it stands in, which the build takes out of every other file: the program starts faster without.
 */
export function loadProgram(): Promise<typeof import("./cli/program.ts")> {
  return import("./cli/program.ts");
}
