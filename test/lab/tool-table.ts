// Renders the README's table of tools and forms out of the rows that the lab has proved.
import { type Cell, FORMS, type Form, type Row } from "./tool-rows.ts";

const FORM_NAMES = Object.keys(FORMS) as readonly Form[];

function renderCell(cell: Cell): string {
  if (!cell.works) return `no: ${cell.because}`;
  return cell.written === undefined ? "yes" : `as \`${cell.written("NAME")}\``;
}

const renderLine = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;

/** Returns the table as Markdown. Tools that take every form alike share a line. */
export function renderToolTable(rows: readonly Row[]): string {
  const tools = new Map<string, string[]>();
  for (const row of rows) {
    const cells = FORM_NAMES.map((form) => renderCell(row[form])).join(" | ");
    tools.set(cells, [...(tools.get(cells) ?? []), row.tool]);
  }
  return [
    renderLine(["", ...FORM_NAMES.map((form) => `\`${FORMS[form]("NAME")}\``)]),
    renderLine(["---", ...FORM_NAMES.map(() => "---")]),
    ...Array.from(tools, ([cells, names]) => renderLine([names.join(", "), cells])),
  ].join("");
}
