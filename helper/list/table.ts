/** The guests as a table for people. */

import { formatMinute } from "../hostkeys/time.ts";
import { escapeUnsafe } from "../quote.ts";
import type { ListedGuest } from "./listed-guest.ts";
import type { Answer } from "./probe.ts";
import { measureText } from "./width.ts";

/** ECMA-48, SGR. */
const COLOURS = { red: 31, green: 32, yellow: 33 } as const;

type Colour = keyof typeof COLOURS;

interface Cell {
  readonly text: string;
  /** How many columns it takes; as many as it has characters unless told. */
  readonly width?: number;
  readonly colour?: Colour | undefined;
}

const NOTHING: Cell = { text: "-" };

const HEAD = ["DOMAIN", "SCOPE", "STATE", "CID", "SSH", "SINCE", "HOST KEY"];

/** With a line at its head; nothing for no guests. */
export function formatTable(guests: readonly ListedGuest[], hasColours: boolean): string {
  if (guests.length === 0) return "";
  const rows = [HEAD.map((text): Cell => ({ text })), ...guests.map(listCells)];
  const widths = HEAD.map((_, column) => rows.reduce((most, cells) => Math.max(most, measureCell(cells[column])), 0));
  return rows.map((cells) => formatRow(cells, widths, hasColours)).join("");
}

function measureCell({ text, width }: Cell = NOTHING): number {
  return width ?? text.length;
}

/** The last column ends where its text does. */
function formatRow(cells: readonly Cell[], widths: readonly number[], hasColours: boolean): string {
  const columns = cells.map((cell, column) => {
    const { text, colour } = cell;
    const room = column === cells.length - 1 ? 0 : (widths[column] ?? 0) - measureCell(cell);
    const shown = colour === undefined || !hasColours ? text : `\u001b[${COLOURS[colour]}m${text}\u001b[0m`;
    return shown + " ".repeat(room);
  });
  return `${columns.join("  ")}\n`;
}

function listCells({ domain, since, ssh, isPinned }: ListedGuest): Cell[] {
  const { uri, state, cid } = domain;
  const name = escapeUnsafe(domain.name);
  return [
    { text: name, width: measureText(name) },
    { text: uri === "qemu:///system" ? "system" : "session" },
    { text: state, colour: state === "paused" || state === "crashed" ? "yellow" : undefined },
    cid === undefined ? NOTHING : { text: String(cid) },
    ssh === undefined ? NOTHING : { text: ssh, colour: ANSWERS[ssh] },
    since === undefined ? NOTHING : { text: formatMinute(since) },
    isPinned === undefined ? { text: "unreadable", colour: "red" } : isPinned ? { text: "pinned" } : NOTHING,
  ];
}

const ANSWERS: Readonly<Record<Answer, Colour>> = {
  answers: "green",
  refused: "red",
  silent: "yellow",
  mute: "red",
  closed: "red",
  unreachable: "red",
};
