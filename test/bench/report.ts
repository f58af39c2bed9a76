// What the benchmarks have found, in Markdown.
import type { Result } from "./measure.ts";
import type { Profile } from "./profile.ts";
import type { RelayResult } from "./relay.ts";
import { formatNumber } from "./svg.ts";

export function makeTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

const medianOf = (rounds: number) => `median of ${rounds}`;

/** `base` is the row that the others are compared with. */
export function tabulate({ rows, rounds }: Result, base: string, isCold = false): string {
  const of = rows.find(({ name }) => name === base)?.medianMs ?? Number.NaN;
  const head = [medianOf(rounds), "ms", "ratio", "slowest ms", "CPU ms", "peak MB", "page faults"];
  const cells = rows.map((row) => [
    row.name,
    row.medianMs.toFixed(2),
    (row.medianMs / of).toFixed(2),
    row.slowestMs.toFixed(1),
    row.cpuMs.toFixed(2),
    row.peakMb.toFixed(1),
    row.pageFaults.toFixed(0),
    ...(isCold ? [row.leftMb.toFixed(1)] : []),
  ]);
  return makeTable(isCold ? [...head, "MB still cached"] : head, cells);
}

export const WAY_WORDS = { down: "from the guest", up: "to the guest" } as const;

export function tabulateRelay({ rows, gigabytes, rounds }: RelayResult): string {
  const head = [`${formatNumber(gigabytes)} GB, ${medianOf(rounds)}`, "way", "MB/s", "CPU s a GB", "peak MB"];
  const cells = rows.map((row) => [
    row.name,
    WAY_WORDS[row.way],
    row.mbPerSecond.toFixed(0),
    row.cpuSecondsPerGb.toFixed(2),
    row.peakMb.toFixed(1),
  ]);
  return makeTable(head, cells);
}

export function tabulateProfile({ phases, wholeUs, shippedUs, rounds }: Profile): string {
  const cells = phases.map(({ name, us }) => [name, us.toFixed(0), `${((us / wholeUs) * 100).toFixed(0)} %`]);
  return makeTable(
    [medianOf(rounds), "µs", "share"],
    [...cells, ["all of it", wholeUs.toFixed(0), "100 %"], ["as it ships, without marks", shippedUs.toFixed(0), ""]],
  );
}
