// The document that `npm run bench` writes, and its plots: all out of figures.json.
import type { Result } from "./measure.ts";
import { PHASES } from "./phases.ts";
import type { Profile } from "./profile.ts";
import { HANDED, NAMES, PINS } from "./programs.ts";
import type { RelayResult } from "./relay.ts";
import { tabulate, tabulateProfile, tabulateRelay, WAY_WORDS } from "./report.ts";
import { type Chart, renderChart } from "./svg.ts";
import { COLD, explainRest, type Found, HAND_OVER, KEYS, requireResult, USUAL, writeTargets } from "./targets.ts";

const METADATA = ["30 kB", "1 MB", "4 MB"].map((size) => `${size} of XML, of metadata`);
const MANY = ["100 domains", "1,000 domains"];
const STAND_IN = [
  "3 kB of XML, from a stand-in",
  "1 MB of XML, of devices, from a stand-in",
  "4 MB of XML, of devices, from a stand-in",
];
const COUNTS = ["10", "100", "500"];
const LISTS = COUNTS.map((count) => `list, ${count} domains`);
const PROBED = COUNTS.map((count) => `list, ${count} guests that answer`);

function section(title: string, ...paragraphs: readonly string[]): string {
  return [`## ${title}`, ...paragraphs].join("\n\n");
}

function title({ name, xmlBytes }: Result): string {
  if (xmlBytes === undefined) return name;
  const bytes = `${xmlBytes.toLocaleString("en-US")} bytes`;
  return `${name} (${name.includes("XML") ? bytes : `XML of ${bytes}`})`;
}

/** Its words are for whoever cannot see it. */
const plot = (name: string) => `![the medians below as bars; those of virtssh are blue](${name}.svg)`;

function tables(found: Found, names: readonly string[], base: string): string[] {
  return names.flatMap((name) => {
    const result = requireResult(found, name);
    return [`### ${title(result)}`, tabulate(result, base)];
  });
}

function writeContests(found: Found): string[] {
  const { libvirt } = NAMES;
  return [
    section("Targets", writeTargets(found), ...(found.profile === undefined ? [] : [explainRest(found.profile)])),
    section(
      "One domain",
      plot("lookup"),
      ...tables(found, [USUAL], libvirt),
      "The C floor (test/bench/floor.c, static) makes the calls that `virtssh resolve` makes, which is checked, and nothing else: no deadlines, no checks, no command line. systemd's helper looks nothing up. No peak is below that of the program that starts them all, which is as small as the floor.",
    ),
    section(
      "Cold",
      "Before each run every file that the program maps (itself, its libraries) is put out of the page cache, with posix_fadvise(2). What another process has mapped stays, here as on any hypervisor: libvirtd holds libc and libvirt's library. Directories stay known, and a virtual machine's disk may be cached by its host. The last column is what stayed.",
      tabulate(requireResult(found, COLD), libvirt, true),
    ),
    section("Many domains", plot("many"), ...tables(found, MANY, libvirt), "One of them runs and is asked for."),
    section("Large XML", plot("xml"), ...tables(found, METADATA, libvirt)),
    section(
      "Large XML, from a stand-in",
      "With many devices, which come before the vsock device, instead of metadata; a stand-in for the daemon has its answers ready.",
      ...tables(found, STAND_IN, libvirt),
    ),
    section(
      "To a guest that answers",
      "A small program takes the descriptor as ssh does, and is part of each row: the last has nothing else. AF_VSOCK leads to an AF_UNIX socket: linked in, or for programs that are not ours by LD_PRELOAD. Only `virtssh` waits for sshd's first words, and meanwhile asks libvirt a second time whether the CID is still the domain's; the row below it is a build without either, and the target is for the median of their differences in each round.",
      tabulate(requireResult(found, HAND_OVER), HANDED.libvirt),
    ),
    section(
      "Host keys",
      "Started by a small program that stands for ssh, as part of each row.",
      tabulate(requireResult(found, KEYS), PINS.resolve),
    ),
    section(
      "Lists",
      plot("list"),
      "Of domains of which one runs, by libvirtd; and of guests that all run and answer, by a stand-in for it.",
      ...tables(found, LISTS, "virsh list --all"),
      ...tables(found, PROBED, "virtssh list"),
    ),
  ];
}

export function writeText(found: Found): string {
  const { about, versions, contests, profile, relays } = found;
  return `${[
    "# What `npm run bench` has measured",
    [about.date, about.program, about.machine, `load before it ${about.load}`, versions ?? ""]
      .filter(Boolean)
      .join("; "),
    "Whole processes, from before a small program of ours starts each until it has waited for it, in turns, every other time the other way round; in the native lab, beside a real libvirtd, except where a stand-in for it is named.",
    "Ratios are of medians of one run, to the row that has 1.00. CPU and page faults are the program's own and the kernel's for it, not the daemon's. Domains that run have a CID; the proxies end at the connect, where the lab refuses AF_VSOCK, and `virtssh` loads and prints its two lines about that.",
    ...(contests === undefined ? [] : writeContests(found)),
    ...(relays === undefined
      ? []
      : [
          section(
            "The relay",
            "`virtssh proxy` without `--fdpass`, and socat, between pipes and a guest. CPU is the relay's and the kernel's for it. In the box, whose kernel is a process, each system call costs more.",
            plot("relay"),
            ...relays.flatMap((relay) => [`### ${relay.name}`, tabulateRelay(relay)]),
          ),
        ]),
    ...(profile === undefined
      ? []
      : [
          section(
            `The profile of a \`${NAMES.resolve}\``,
            "A build that remembers when it calls the engine and the kernel; from before it is started until it has been waited for, but for the time in which it writes that down. Each phase's median is its own, so they add up only nearly.",
            "![the medians below as bars; blue is what a C program does without](profile.svg)",
            tabulateProfile(profile),
          ),
        ]),
  ].join("\n\n")}\n`;
}

function group(found: Found, name: string): Chart["groups"][number] {
  const result = requireResult(found, name);
  return {
    name: title(result),
    bars: result.rows.map((row) => ({ label: row.name, value: row.medianMs, isMarked: isOurs(row.name) })),
  };
}

const isOurs = (label: string) => label.startsWith("virtssh");

function drawContests(found: Found): Readonly<Record<string, Chart>> {
  const draw = (title: string, names: readonly string[]): Chart => ({
    ...{ title, unit: "ms" },
    groups: names.map((name) => group(found, name)),
  });
  return {
    "lookup.svg": draw("One domain, warm and cold", [USUAL, COLD]),
    "many.svg": draw("Many domains", [USUAL, ...MANY]),
    "xml.svg": draw("Large XML", [...METADATA, ...STAND_IN]),
    "list.svg": draw("Lists", [...LISTS, ...PROBED]),
  };
}

const OURS = [PHASES.engine, PHASES.builtIn, "bytecode: ", "JavaScript: "];

function drawProfile({ phases }: Profile): Chart {
  const bars = phases.map(({ name, us }) => ({
    label: name,
    value: us,
    isMarked: OURS.some((beginning) => name.startsWith(beginning)),
  }));
  return { title: "A virtssh resolve", unit: "µs", groups: [{ name: "", bars }] };
}

function drawRelays(relays: readonly RelayResult[]): Chart {
  const groups = relays.map(({ name, rows }) => ({
    name,
    bars: rows.map(({ name: relay, way, mbPerSecond }) => ({
      label: `${relay}, ${WAY_WORDS[way]}`,
      value: mbPerSecond,
      isMarked: isOurs(relay),
    })),
  }));
  return { title: "The relay", unit: "MB/s", groups };
}

function drawCharts(found: Found): Readonly<Record<string, Chart>> {
  const { contests, profile, relays } = found;
  return {
    ...(contests === undefined ? {} : drawContests(found)),
    ...(profile === undefined ? {} : { "profile.svg": drawProfile(profile) }),
    ...(relays === undefined ? {} : { "relay.svg": drawRelays(relays) }),
  };
}

export const FIGURES = "figures.json";

/** Four digits behind the point say all that a run can. */
const shorten = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toFixed(4)) : value);

export const writeFigures = (found: Found) => `${JSON.stringify(found, shorten, 1)}\n`;

/** File name, content: all of docs/bench/ but figures.json. */
export function renderPages(found: Found): Readonly<Record<string, string>> {
  const charts = Object.entries(drawCharts(found)).map(([file, chart]) => [file, renderChart(chart)]);
  return { "README.md": writeText(found), ...Object.fromEntries(charts) };
}
