// What `virtssh --help` says, as mdoc(7): commander's tree, which says each of these things once. No I/O.
import type { Argument, Command, Option } from "commander";
import { makeProgram } from "../../helper/cli/program.ts";
import type { System } from "../../helper/sys/system.ts";
import { escapeArgument, escapeText, formatLiteral, formatProse } from "./mdoc.ts";

/** The tree, and what its commands print: for describing them only. */
export interface Tree {
  readonly program: Command;
  /** The help text that commander does not make by itself. */
  readLongHelp(command: Command): string;
}

export function makeTree(version: string): Tree {
  let printed = "";
  const program = makeProgram({
    sys: {} as System, // what would ask the kernel is run by no help
    parts: {},
    print: (text) => {
      printed += text;
    },
    setStatus: () => undefined,
    version,
  });
  const readLongHelp = (command: Command) => {
    printed = "";
    command.outputHelp();
    return printed.replace(command.helpInformation(), "").trim();
  };
  return { program, readLongHelp };
}

/** What is shown of the tree: a command that is there for scripts is not. */
export function listCommands(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command);
}

/** `trust show` for the command `show` of `trust`; virtssh's own name is left out. */
function nameWhole(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${nameWhole(parent)} ${command.name()}`;
}

/** What is run: a group of commands is not, its commands are. */
function listLeaves(command: Command): readonly Command[] {
  const parts = listCommands(command);
  return parts.length === 0 ? [command] : parts.flatMap(listLeaves);
}

function listOptions(command: Command): readonly Option[] {
  return command.options.filter(({ hidden }) => !hidden);
}

/** `--timeout <SECONDS>` as arguments of a macro. */
function formatFlags({ flags }: Option): string {
  const [, long = "", value] = /--([a-z-]+)(?: [<[]([A-Z]+)[>\]])?$/.exec(flags) ?? [];
  const short = /^-([a-z]), /.exec(flags)?.[1];
  const both = `${short === undefined ? "" : `Fl ${short} , `}Fl ${escapeText(`-${long}`)}`;
  return value === undefined ? both : `${both} Ar ${value}`;
}

/** Commander's own, which its types leave out: the options that cannot be given beside this one. */
type WithConflicts = Option & { readonly conflictsWith: readonly string[] };

/** Each option once: those of which only one can be given are together. */
function groupOptions(options: readonly Option[]): Option[][] {
  const groups: Option[][] = [];
  for (const option of options) {
    const excludes = (other: Option) => (other as WithConflicts).conflictsWith.includes(option.attributeName());
    const isRival = (other: Option) =>
      excludes(other) || (option as WithConflicts).conflictsWith.includes(other.attributeName());
    const group = groups.find((one) => one.some(isRival));
    if (group === undefined) groups.push([option]);
    else group.push(option);
  }
  return groups;
}

/** Its choices, where there are any, say more than its name. */
function formatArgument(argument: Argument): string {
  const { argChoices, required, variadic } = argument;
  const shown = argChoices?.map((choice) => `Cm ${escapeArgument(choice)}`).join(" | ") ?? `Ar ${argument.name()}`;
  return `${required ? "" : "Op "}${shown}${variadic ? " ..." : ""}`;
}

/** The lines of a synopsis below its first macro. */
function formatUsage(command: Command): string[] {
  const options = groupOptions(listOptions(command)).map((group) => `.Op ${group.map(formatFlags).join(" | ")}`);
  return [...options, ...command.registeredArguments.map((argument) => `.${formatArgument(argument)}`)];
}

/** SYNOPSIS: one line a command. */
export function formatSynopses({ program }: Tree): string[] {
  return listCommands(program)
    .flatMap(listLeaves)
    .flatMap((leaf) => [`.Nm`, `.Cm ${nameWhole(leaf)}`, ...formatUsage(leaf)]);
}

/** A description of the help as a sentence: there it is a fragment in a table. */
function formatSentence(text: string): string[] {
  return formatProse(`${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`);
}

function formatDefault(value: unknown): string[] {
  return value === undefined ? [] : formatProse(`The default is ${String(value)}.`);
}

/** The program's own options. */
export function formatOwnOptions({ program }: Tree): string[] {
  const help = program.createHelp().visibleOptions(program);
  return help.flatMap((option) => [`.It ${formatFlags(option)}`, ...formatSentence(option.description)]);
}

function formatOperands(command: Command): string[] {
  const described = command.registeredArguments.filter(({ description }) => description !== "");
  const items = [
    ...described.map((argument) => [
      `.It Ar ${argument.name()}`,
      ...formatSentence(argument.description),
      ...formatDefault(argument.defaultValue),
    ]),
    ...listOptions(command).map((option) => [
      `.It ${formatFlags(option)}`,
      ...formatSentence(option.description),
      ...formatDefault(option.defaultValue),
    ]),
  ];
  return items.length === 0 ? [] : [".Bl -tag -width Ds -compact", ...items.flat(), ".El"];
}

function formatLeaf(leaf: Command): string[] {
  return [
    ".It Xo",
    `.Cm ${nameWhole(leaf)}`,
    ...formatUsage(leaf),
    ".Xc",
    ...formatSentence(leaf.description()),
    ...formatOperands(leaf),
  ];
}

/** The page has examples of its own, in one place. */
function readProse(tree: Tree, command: Command): string {
  return tree.readLongHelp(command).replace(/\n*^Examples?:\n(?: {2}.*(?:\n|$))+/m, "");
}

/** The items of a command in the list of commands: of itself, or of those that it has. */
export function formatCommand(name: string, tree: Tree): string[] {
  const command = listCommands(tree.program).find((one) => one.name() === name);
  if (command === undefined) throw new Error(`virtssh has no command ${name}`);
  const leaves = listLeaves(command);
  const formatWhole = (leaf: Command) => [...formatLeaf(leaf), ...after(formatLongHelp(readProse(tree, leaf)))];
  if (leaves.length === 1) return leaves.flatMap(formatWhole);
  return [
    `.It Cm ${name}`,
    ...formatSentence(command.description()),
    ...after(formatLongHelp(readProse(tree, command))),
    ...leaves.flatMap(formatWhole),
  ];
}

/** Lines below what was said already. */
function after(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [".Pp", ...lines];
}

/** The long text below commander's own: paragraphs, in which lines that are set off are shown as they are, or as a list. */
export function formatLongHelp(text: string): string[] {
  const parts = text === "" ? [] : text.split(/\n{2,}/);
  return parts.flatMap((part, index) => {
    const lines = formatPart(part.split("\n"));
    return index === 0 || lines[0]?.startsWith(".B") === true ? lines : [".Pp", ...lines];
  });
}

/** Two columns: what is to be typed, or where, and a word on it. */
const TWO_COLUMNS = /^ *(\S.*?) {2,}(\S.*)$/;

function formatPart(lines: readonly string[]): string[] {
  if (lines.some((line) => TWO_COLUMNS.test(line))) return formatTable(lines);
  const first = lines.findIndex((line) => line.startsWith("  "));
  if (first < 0) return formatProse(lines.join(" "));
  return [
    ...formatProse(lines.slice(0, first).join(" ")),
    ...formatLiteral(lines.slice(first).map((one) => one.slice(2))),
  ];
}

/** A heading, where there is one, is left out: it says what the place in the page does. */
function formatTable(lines: readonly string[]): string[] {
  const rows = lines.filter((line) => !/^\S.*:$/.test(line));
  const items = rows.flatMap((row) => {
    const [, left = row.trim(), right] = TWO_COLUMNS.exec(row) ?? [];
    return [`.It ${formatForms(left)}`, ...(right === undefined ? [] : formatRight(right))];
  });
  return [".Bl -tag -width Ds -compact", ...items, ".El"];
}

/** Words on a form, or a line for a shell. */
function formatRight(text: string): string[] {
  return /[|<]/.test(text) ? [`.Dl ${escapeText(text)}`] : formatSentence(text);
}

/** `qemu/NAME, qemu:system/NAME`: what is typed as it is, and what stands for something. Else it is words. */
function formatForms(text: string): string {
  if (!/NAME|CID/.test(text)) return escapeArgument(text.replace(/:$/, ""));
  const words = text.split(/(, |\b(?:NAME|CID)\b)/).filter((word) => word !== "");
  const macros = words.map((word, index) => {
    if (word === ", ") return ",";
    const macro = /^(?:NAME|CID)$/.test(word) ? `Ar ${word}` : `Cm ${escapeArgument(word)}`;
    const next = words[index + 1];
    return next === undefined || next === ", " ? macro : `${macro} Ns`;
  });
  return macros.join(" ");
}
