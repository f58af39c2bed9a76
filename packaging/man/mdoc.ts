// Text as mdoc(7) wants it, so that groff and mandoc show it to the letter and a reader can copy it. No I/O.

/**
 * What either of the two formatters would read, or replace by a character that no shell takes: groff_char(7), mandoc_char(7),
 * "hyphens", "quotes".
 */
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  '"': "\\(dq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
};

/** A line of the source may be this long: `mandoc -T lint` finds longer ones hard to read. */
const MAX_COLUMNS = 80;

/** Text to the letter, anywhere but at the beginning of a line. */
export function escapeText(text: string): string {
  return text.replace(/[\\'"`^~-]/g, (character) => ESCAPES[character] ?? character);
}

/** A word that is a macro, or a delimiter, is neither behind \&, which shows nothing: mdoc(7), "MACRO SYNTAX". */
const IS_READ = /^(?:[A-Z%][A-Za-z0-9]{1,2}|[.,:;()[\]?!|])$/;

/** One argument of a macro. */
export function escapeArgument(text: string): string {
  const escaped = escapeText(text);
  if (text === "" || text.includes(" ")) return `"${escaped}"`;
  return IS_READ.test(text) ? `\\&${escaped}` : escaped;
}

/** A dot at its beginning would make it a macro's: roff(7), "LANGUAGE SYNTAX". So would an apostrophe, which is escaped. */
function guardStart(line: string): string {
  return line.startsWith(".") ? `\\&${line}` : line;
}

/** Some names are in lower case there, too. */
const SENTENCE_END = /(?<=[.!?]) (?=[A-Z"(@%$]|(?:libvirt|ssh|virtssh)\b)/;

/** Lines of prose: a new sentence begins a new line, so that the formatter knows it for one. */
export function formatProse(text: string): string[] {
  const words = text.trim().replace(/\s+/g, " ");
  return words.split(SENTENCE_END).flatMap(fillLines);
}

function fillLines(sentence: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of sentence.split(" ").map(escapeWord)) {
    if (line !== "" && line.length + word.length + 3 > MAX_COLUMNS) {
      lines.push(guardStart(line));
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, guardStart(line)];
}

/** Anything but a word of the language: a path, a command, a name in capitals. */
const IS_NO_WORD = /[^\p{L}'"(),.;:!?-]|\p{L}\p{Lu}/u;

/** \% in front of a word keeps it whole: with a hyphen in it, a path is no path any more. */
function escapeWord(word: string): string {
  return `${IS_NO_WORD.test(word) ? "\\%" : ""}${escapeText(word)}`;
}

/** Lines that are shown as they are. */
export function formatLiteral(lines: readonly string[]): string[] {
  return [".Bd -literal -offset indent", ...lines.map((line) => guardStart(escapeText(line))), ".Ed"];
}
