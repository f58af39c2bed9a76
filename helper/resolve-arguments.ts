/** The usual forms of `virtssh resolve`, which need no commander to be read: loading it takes longer than the answer. */

export interface ResolveArguments {
  readonly target: string;
  readonly json: boolean;
}

/** A target, and before or behind it nothing but one --json; undefined for all else, which is commander's to read or to refuse. */
export function parseResolveArguments(words: readonly string[]): ResolveArguments | undefined {
  const [target, extra] = words.filter((word) => word !== "--json");
  if (target === undefined || target.startsWith("-") || extra !== undefined || words.length > 2) return undefined;
  return { target, json: words.length > 1 };
}
