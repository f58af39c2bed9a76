/** How many columns a text takes on a terminal. */

/** Of Unicode's EastAsianWidth.txt 16.0, W and F; but for emoji, which Emoji_Presentation has. What is not assigned is in gaps. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u303e\u3041-\u3247\u3250-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{1d300}-\u{1d356}\u{1d360}-\u{1d376}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;

/** Two of them make a flag, which is as wide as both. */
const HALF_A_FLAG = /\p{Regional_Indicator}/u;

/** What goes onto the character before it: marks, and the vowels and finals of Hangul's syllables. */
const COMBINING = /[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7fb]/u;

/** Of a text without control characters. */
export function measureText(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += measureCharacter(character);
  return width;
}

function measureCharacter(character: string): number {
  if (character <= "~") return 1;
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) && !HALF_A_FLAG.test(character) ? 2 : 1;
}
