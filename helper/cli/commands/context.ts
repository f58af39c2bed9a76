/** What the commands of the tree have in common. */

import type { Command } from "commander";
import type { Parts } from "../../load-program.ts";
import type { System } from "../../sys/system.ts";

/** What a command works with. */
export interface Context {
  readonly sys: System;
  readonly parts: Parts;
  /** Writes to stdout. */
  print(text: string): void;
  /** The exit status of a command that has found something wrong, and has said so itself. */
  setStatus(status: number): void;
  /** This program's own. */
  readonly version: string;
}

/** What is loaded by its first word is there when it is run. */
export function loaded<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error("a command was not loaded");
  return part;
}

/** Below a command's help: what it may be called with. Each is run by a test. */
export function addExamples(command: Command, ...examples: readonly string[]): void {
  const title = examples.length === 1 ? "Example" : "Examples";
  command.addHelpText("after", `\n${title}:\n${examples.map((example) => `  ${example}`).join("\n")}`);
}
