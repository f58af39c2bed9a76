// The README's table of tools and forms is what the rows of ../lab/tool-rows.ts say, each of which the lab proves. After a change,
// VIRTSSH_UPDATE=1 npx vitest run --project unit tool-table writes it anew; read the difference.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Cell, ROWS, type Row } from "../lab/tool-rows.ts";
import { renderToolTable } from "../lab/tool-table.ts";

const README = join(import.meta.dirname, "../../README.md");
const BETWEEN_MARKS =
  /(?<=^<!-- tools and forms: written by test\/unit\/tool-table\.test\.ts -->\n)(?:.*\n)*?(?=^<!-- end -->$)/m;

test("README has the table that the rows render to", () => {
  const table = `\n${renderToolTable(ROWS)}\n`;
  if (process.env["VIRTSSH_UPDATE"] !== undefined) {
    writeFileSync(
      README,
      readFileSync(README, "utf8").replace(BETWEEN_MARKS, () => table),
    );
  }
  expect(BETWEEN_MARKS.exec(readFileSync(README, "utf8"))?.[0]).toBe(table);
});

test("renderToolTable() puts tools that take every form alike on one line", () => {
  const yes: Cell = { works: true };
  const no: Cell = { works: false, because: "a path", stderr: /^/ };
  const doubled: Cell = { works: true, written: (name) => `qemu%%${name}` };
  const row = (tool: string, suffix: Cell): Row => ({
    ...{ tool, run: () => "" },
    ...{ slash: yes, colon: yes, percent: doubled, suffix },
  });
  expect(renderToolTable([row("a", yes), row("b", no), row("c", yes)])).toBe(`\
|  | \`qemu/NAME\` | \`qemu:system/NAME\` | \`qemu%NAME\` | \`NAME.qemu\` |
| --- | --- | --- | --- | --- |
| a, c | yes | yes | as \`qemu%%NAME\` | yes |
| b | yes | yes | as \`qemu%%NAME\` | no: a path |
`);
});
