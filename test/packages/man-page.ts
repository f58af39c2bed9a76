// The man pages as a reader sees them, and what their examples say.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { type MAN_PAGES, writeManPages } from "../../packaging/man/write-man-pages.ts";
import { runCommand } from "../../packaging/run-command.ts";

export type Page = (typeof MAN_PAGES)[number];

/** A command, as it is shown behind a prompt, over several lines where each but the last ends in a backslash. */
export interface Example {
  readonly prompt: "$" | "#";
  readonly text: string;
  /** What the page shows below it. */
  readonly output: string;
}

export interface Examples {
  readonly commands: readonly Example[];
  /** What is shown without a prompt: contents of files. */
  readonly files: readonly string[];
}

const FOLDER = "build/test/man";

/** Writes the pages, and returns the path of one. */
export function makePage(page: Page): string {
  mkdirSync(FOLDER, { recursive: true });
  writeManPages(FOLDER, { version: "1.2.3", date: "2026-11-22" });
  return join(FOLDER, page);
}

/** The page as mandoc shows it, without overstrikes. */
export function renderPage(page: Page): string {
  requirePrograms({ mandoc: "mandoc" });
  const shown = runCommand(["mandoc", "-T", "utf8", "-O", "width=78", makePage(page)]);
  return takeOffOverstrikes(shown);
}

/** A character that is bold or underlined is printed on top of another one. */
export function takeOffOverstrikes(shown: string): string {
  const parts = shown.split("\b").map((part) => Array.from(part));
  return parts.flatMap((part, index) => (index + 1 < parts.length ? part.slice(0, -1) : part)).join("");
}

/** Reads the displays under EXAMPLES: they are set off further than the prose. */
export function readExamples(page: Page): Examples {
  const section = /^EXAMPLES\n([\s\S]*?)^\S/m.exec(renderPage(page))?.[1] ?? "";
  const displays =
    section.match(/(?:^ {11}.*\n)+/gm)?.map((text) =>
      text
        .replace(/^ {11}/gm, "")
        .trimEnd()
        .split("\n"),
    ) ?? [];
  return {
    commands: displays.flatMap(readCommands),
    files: displays.filter(([first = ""]) => !/^[$#] /.test(first)).map((lines) => `${lines.join("\n")}\n`),
  };
}

function readCommands(lines: readonly string[]): Example[] {
  const examples: { prompt: "$" | "#"; text: string; output: string }[] = [];
  let isOpen = false;
  for (const line of lines) {
    const last = examples.at(-1);
    if (/^[$#] /.test(line))
      examples.push({ prompt: line.startsWith("$") ? "$" : "#", text: line.slice(2), output: "" });
    else if (last === undefined) return [];
    else if (isOpen) last.text += `\n${line}`;
    else last.output += `${line}\n`;
    isOpen = line.endsWith("\\");
  }
  return examples;
}
