// Writes virtssh(1) and virtssh-guest(7): the prose beside this file, in which what the program itself says has marked places.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  formatCommand,
  formatLongHelp,
  formatOwnOptions,
  formatSynopses,
  listCommands,
  makeTree,
  type Tree,
} from "./describe-commands.ts";
import { formatFailure } from "./shown-failures.ts";

export const MAN_PAGES = ["virtssh.1", "virtssh-guest.7"] as const;

const SOURCES = "packaging/man";

export interface PageFacts {
  readonly version: string;
  /** Of the sources, not of the build, so that it is the same in every build: YYYY-MM-DD. */
  readonly date: string;
}

/** Writes both pages into `folder`. Needs no build. */
export function writeManPages(folder: string, facts: PageFacts): void {
  mkdirSync(folder, { recursive: true });
  const tree = makeTree(facts.version);
  for (const page of MAN_PAGES) {
    const source = readFileSync(join(SOURCES, `${page}.mdoc`), "utf8");
    writeFileSync(join(folder, page), fillPlaces(source, tree, facts));
  }
}

/** A line of the source that stands for lines of the program's: {{command wait}}. */
const PLACE = /^\{\{([a-z-]+)(?: ([a-z -]+))?\}\}$/;

function fillPlaces(source: string, tree: Tree, facts: PageFacts): string {
  const inLines = source.replaceAll("{{version}}", facts.version).replaceAll("{{date}}", formatDate(facts.date));
  const lines = inLines.split("\n");
  const placed = lines.flatMap((line) => {
    const [, place, name = ""] = PLACE.exec(line) ?? [];
    return place === undefined ? [line] : fillPlace(place, name, { tree, source });
  });
  return placed.join("\n");
}

/** As mdoc(7) wants it in .Dd, in no time zone. */
function formatDate(date: string): string {
  return new Intl.DateTimeFormat("en-US", { dateStyle: "long", timeZone: "UTC" }).format(new Date(date));
}

function fillPlace(place: string, name: string, { tree, source }: { tree: Tree; source: string }): string[] {
  switch (place) {
    case "synopses":
      return formatSynopses(tree);
    case "options":
      return formatOwnOptions(tree);
    case "targets":
      return formatLongHelp(tree.readLongHelp(tree.program));
    case "command":
      return formatCommand(name, tree);
    case "other-commands":
      return listOthers(tree, source).flatMap((other) => formatCommand(other, tree));
    case "failure":
      return formatFailure(name);
    default:
      throw new Error(`nothing is known to fill {{${place}}} with`);
  }
}

/** The commands that have no place of their own in the page. */
function listOthers({ program }: Tree, source: string): string[] {
  const names = listCommands(program).map((command) => command.name());
  return names.filter((name) => !source.includes(`{{command ${name}}}`));
}
