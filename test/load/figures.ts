// What the load tests have measured, from one file each to the table for readers.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

/** How long domains are started and destroyed, unless told: five minutes. */
export const SECONDS_VARIABLE = "VIRTSSH_LOAD_SECONDS";
export const CHURN_SECONDS = Number(process.env[SECONDS_VARIABLE] ?? 300);

/**
 * What the peak memory of two runs of one program may differ by: some pages of files, which are counted as they happen to be in the
 * page cache, and what the kernel leaves out. It counts each kind of page (of files, of no file, shared) on each processor by itself,
 * and adds that up every 32 pages: percpu_counter_batch in its lib/percpu_counter.c.
 */
export const PAGES_KB = 200 + 3 * cpus().length * 32 * 4;

/** One row: what was done, and what came of it. */
export interface Figure {
  readonly order: number;
  readonly load: string;
  readonly measured: string;
}

const FOLDER = "build/load";

export function forgetFigures(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
}

/** Kept by a test that has found its figures to be right. */
export function keepFigure(figure: Figure): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${figure.order}.json`), JSON.stringify(figure));
}

export function readFigures(): readonly Figure[] {
  if (!existsSync(FOLDER)) return [];
  const figures = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Figure);
  return figures.sort((a, b) => a.order - b.order);
}

export const renderMb = (kilobytes: number) => `${(kilobytes / 1000).toFixed(1)} MB`;

export function renderFigures(figures: readonly Figure[]): string {
  const rows = figures.map(({ load, measured }) => `| ${load} | ${measured} |\n`);
  return `| load | what came of it |\n|---|---|\n${rows.join("")}`;
}
