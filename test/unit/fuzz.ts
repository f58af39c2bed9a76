const FACTOR = Number(process.env["VIRTSSH_FUZZ"] ?? "1");

/** How often a property is tried. VIRTSSH_FUZZ=100 tries it a hundred times as often. */
export function runs(count: number): { numRuns: number } {
  return { numRuns: count * FACTOR };
}
