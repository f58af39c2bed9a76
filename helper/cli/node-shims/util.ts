/** Of node:util, what commander uses to measure text: nothing of ours has colours to take away. */
export function stripVTControlCharacters(text: string): string {
  return text;
}
