// The README's table of tools and forms is what the rows of ../lab/tool-rows.ts say, each of which the lab proves. After a change,
// VIRTSSH_UPDATE=1 npx vitest run --project unit tool-table writes it anew; read the difference.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FORMS, ROWS } from "../lab/tool-rows.ts";
import { renderToolTable } from "../lab/tool-table.ts";

const README = join(import.meta.dirname, "../../README.md");
const BETWEEN_MARKS = /(?<=^<!-- tools and forms: written by test\/unit\/tool-table\.test\.ts -->\n)[^]*?(?=^<!-- end -->$)/m;

test("README has the table that the rows render to", () => {
  const table = `\n${renderToolTable(ROWS)}\n`;
  const readme = readFileSync(README, "utf8");
  if (process.env["VIRTSSH_UPDATE"] !== undefined) writeFileSync(README, readme.replace(BETWEEN_MARKS, () => table));
  expect(readFileSync(README, "utf8").match(BETWEEN_MARKS)?.[0]).toBe(table);
});

test("renderToolTable() puts tools that take every form alike on one line", () => {
  const yes = { works: true } as const;
  const cells = { slash: yes, colon: yes, percent: { works: true, written: (name: string) => `qemu%%${name}` } } as const;
  const no = { works: false, because: "a path", exit: 1, stderr: /^/ } as const;
  const row = (tool: string, suffix: typeof yes | typeof no) => ({ tool, ...cells, suffix, run: () => "" });
  expect(renderToolTable([row("a", yes), row("b", no), row("c", yes)])).toBe(`\
|  | ${Object.values(FORMS)
    .map((write) => `\`${write("NAME")}\``)
    .join(" | ")} |
| --- | --- | --- | --- | --- |
| a, c | yes | yes | as \`qemu%%NAME\` | yes |
| b | yes | yes | as \`qemu%%NAME\` | no: a path |
`);
});
