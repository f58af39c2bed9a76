/** Names that may have been meant where a domain was not found. No I/O. */

import type { Candidate } from "../failure-facts.ts";
import { lowerAscii } from "../target.ts";

/** More would not be read. */
const MAX_NEAR = 3;

/** Longer names are compared as far as this, and no more domains than this: all that is for a hint must not take a second. */
const MAX_COMPARED = 64;
const MAX_DOMAINS = 2_000;

/** The candidates whose names are like `name`, likeliest first: those that differ in a slip or two, then those that begin with it. */
export function findNear(name: string, candidates: readonly Candidate[]): Candidate[] {
  const typed = fold(name);
  const ranked = candidates
    .slice(0, MAX_DOMAINS)
    .map((candidate) => ({ candidate, rank: rankName(typed, fold(candidate.name)) }));
  const near = ranked.filter(({ rank }) => rank < NOT_NEAR);
  return near
    .toSorted((one, other) => one.rank - other.rank || (one.candidate.name < other.candidate.name ? -1 : 1))
    .slice(0, MAX_NEAR)
    .map(({ candidate }) => candidate);
}

function fold(name: string): string {
  return lowerAscii(name).slice(0, MAX_COMPARED);
}

const BEGINS = 100;
const NOT_NEAR = 1_000;

/** Of what is typed, a name must have more than this many letters before its beginning tells anything. */
const MIN_BEGINNING = 2;

function rankName(typed: string, name: string): number {
  const allowed = allowedSlips(typed);
  const slips = Math.abs(typed.length - name.length) > allowed ? NOT_NEAR : countSlips(typed, name, allowed);
  if (slips <= allowed) return slips;
  return typed.length > MIN_BEGINNING && name.startsWith(typed) ? BEGINS : NOT_NEAR;
}

/** One in three letters, and three at most: with more, nothing is left of what was typed. */
function allowedSlips(typed: string): number {
  return Math.min(3, Math.floor(typed.length / 3));
}

const FAR = Number.POSITIVE_INFINITY;

/**
 * How many letters were left out, added, changed, or exchanged with their neighbour: the optimal string alignment distance
 * (Damerau, "A technique for computer detection and correction of spelling errors", 1964). Infinity where it is more than `most`.
 */
export function countSlips(one: string, other: string, most: number): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? FAR;
  const countAt = (row: number, column: number) => {
    const isSame = one[row - 1] === other[column - 1];
    const isExchanged = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
    const changed = at(row - 1, column - 1) + (isSame ? 0 : 1);
    const exchanged = isExchanged ? at(row - 2, column - 2) + 1 : FAR;
    return Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, changed, exchanged);
  };
  for (let row = 1; row <= one.length; row += 1) {
    const line = [row];
    rows[row] = line;
    // Farther from the diagonal there are more slips than may be.
    const end = Math.min(other.length, row + most);
    for (let column = Math.max(1, row - most); column <= end; column += 1) line[column] = countAt(row, column);
  }
  const slips = at(one.length, other.length);
  return slips <= most ? slips : FAR;
}
