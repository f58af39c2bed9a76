// Bar charts as SVG, in both colour schemes, as few elements as they can be.

interface Bar {
  readonly label: string;
  readonly value: number;
  /** Ours. */
  readonly isMarked?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly groups: readonly { readonly name: string; readonly bars: readonly Bar[] }[];
}

const WIDTH = 760;
const LABELS = 330;
const LINE = 22;
const HEAD = 44;
const GROUP_HEAD = 26;
/** For a number behind the longest bar. */
const NUMBERS = 90;

const STYLE = `text{font:13px sans-serif;fill:#1f2328}.t{font-size:16px;font-weight:600}.g{font-weight:600}.b{fill:#9aa4ae}.m{fill:#2f6fdb}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#6e7681}.m{fill:#58a6ff}}`;

const escapeText = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** Three digits that count. */
export function formatNumber(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

export function renderChart({ title, unit, groups }: Chart): string {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const lines: string[] = [`<text class="t" x="10" y="26">${escapeText(`${title}, ${unit}`)}</text>`];
  let y = HEAD;
  for (const { name, bars } of groups) {
    if (name !== "") {
      lines.push(`<text class="g" x="10" y="${y + 16}">${escapeText(name)}</text>`);
      y += GROUP_HEAD;
    }
    for (const bar of bars) {
      lines.push(...renderBar(bar, { y, most }));
      y += LINE;
    }
    y += 6;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 6}" width="${WIDTH}" role="img">
<title>${escapeText(title)}</title>
<style>${STYLE}</style>
${lines.join("\n")}
</svg>
`;
}

function renderBar({ label, value, isMarked = false }: Bar, { y, most }: { y: number; most: number }): string[] {
  const length = Math.max(1, ((WIDTH - LABELS - NUMBERS) * value) / most);
  return [
    `<text x="${LABELS - 8}" y="${y + 15}" text-anchor="end">${escapeText(label)}</text>`,
    `<rect class="${isMarked ? "m" : "b"}" x="${LABELS}" y="${y + 3}" width="${length.toFixed(1)}" height="${LINE - 6}"/>`,
    `<text x="${(LABELS + length + 6).toFixed(1)}" y="${y + 15}">${formatNumber(value)}</text>`,
  ];
}
