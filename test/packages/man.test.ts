// Both man pages, as the two formatters that there are take them: groff behind man(1), and mandoc.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { MAN_PAGES } from "../../packaging/man/write-man-pages.ts";
import { makePage, renderPage, takeOffOverstrikes } from "./man-page.ts";

requirePrograms({ man: "man-db", groff: "groff", mandoc: "mandoc" });

const COLUMNS = 80;

function run([program = "", ...args]: readonly string[]) {
  const env = { ...process.env, MANWIDTH: String(COLUMNS), LC_ALL: "C.UTF-8" };
  return spawnSync(program, args, { encoding: "utf8", env });
}

/** What mandoc finds that is not the page's fault, each with the reason. */
const WAIVED: readonly RegExp[] = [
  / STYLE: referenced manual not found: /, // of a package that this machine does not have
  /^mandoc: outdated mandoc\.db lacks /, // this machine's own index
];

describe.each(MAN_PAGES)("%s", (page) => {
  test("mandoc has nothing to say about it", () => {
    const { stdout, stderr } = run(["mandoc", "-T", "lint", "-W", "style", makePage(page)]);
    const said = `${stdout}${stderr}`.split("\n");
    expect(said.filter((line) => line !== "" && !WAIVED.some((waived) => waived.test(line)))).toEqual([]);
  });

  test("man and groff have nothing to say about it", () => {
    const warnings = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", makePage(page)];
    expect(run(warnings)).toMatchObject({ stderr: "", status: 0 });
  });

  test("it fits a terminal", () => {
    const wide = (text: string) => text.split("\n").filter((line) => Array.from(line).length > COLUMNS);
    expect(wide(takeOffOverstrikes(run(["man", "-l", makePage(page)]).stdout))).toEqual([]);
    expect(wide(renderPage(page))).toEqual([]);
  });

  test("man and mandoc show the same words", () => {
    // Between the page's header and its footer, in which the two differ; and groff 1.23 puts a section's name in quotation marks.
    const body = (text: string) => text.trim().split("\n").slice(1, -1).join(" ");
    const words = (text: string) => body(text).replaceAll("—", "–").replace(/[“”]/g, "").split(/\s+/);
    const shown = takeOffOverstrikes(run(["man", "--no-hyphenation", "-l", makePage(page)]).stdout);
    expect(words(shown)).toEqual(words(renderPage(page)));
  });
});
