// SECURITY.md names each limit as it is in the code, and leaves none out.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";

const HELPER = join(import.meta.dirname, "../../helper");
const PAGE = readFileSync(join(import.meta.dirname, "../../SECURITY.md"), "utf8");

/** Of constants that limit something; no limit of ours is libvirt's usual one, which a message compares with. */
const LIMIT = /^(?:export )?const ((?=\w*(?:MAX|LIMIT|MOST|AT_ONCE|TIMEOUT))(?!USUAL_)[A-Z_]+ = [0-9][0-9a-fx_]*);/gm;
/** How wide a line of progress may be is no matter of safety. */
const NO_LIMITS: readonly string[] = ["progress.ts: MAX_WIDTH = 79"];

const SOURCES: ReadonlyMap<string, string> = new Map(
  readdirSync(HELPER, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => [relative(HELPER, join(HELPER, path)), readFileSync(join(HELPER, path), "utf8")]),
);

const listed = [...PAGE.matchAll(/^\| `([a-z0-9/-]+\.ts)`: `([A-Z_]+ = [0-9a-fx_]+)` \|/gm)].map(
  ([, file = "", text = ""]) => ({
    file,
    text,
  }),
);

test.each(listed)("the limit $file: $text is in the code", ({ file, text }) => {
  expect(SOURCES.get(file)).toContain(`const ${text};`);
});

test("no limit is left out", () => {
  const named = new Set([...listed.map(({ file, text }) => `${file}: ${text}`), ...NO_LIMITS]);
  const all = [...SOURCES].flatMap(([file, source]) =>
    [...source.matchAll(LIMIT)].map(([, text]) => `${file}: ${text}`),
  );
  expect(all.length).toBeGreaterThan(50);
  expect(all.filter((limit) => !named.has(limit))).toEqual([]);
});
