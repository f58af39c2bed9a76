/** What the last of the words on virtssh's own command line could become. commander's tree says which words there are. */

export interface Candidate {
  /** Empty where the names of files are meant, which a shell completes best by itself. */
  readonly word: string;
  readonly description: string;
}

/** As commander has them: Option, Argument, Command and Help. */
interface OptionFacts {
  readonly flags: string;
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  readonly description: string;
  readonly required: boolean;
  readonly argChoices?: readonly string[] | undefined;
}

interface ArgumentFacts {
  name(): string;
  readonly variadic: boolean;
  readonly argChoices?: readonly string[] | undefined;
}

export interface CommandFacts {
  name(): string;
  description(): string;
  readonly registeredArguments: readonly ArgumentFacts[];
  createHelp(): {
    visibleCommands(command: CommandFacts): CommandFacts[];
    visibleOptions(command: CommandFacts): OptionFacts[];
  };
}

/** Where the last word stands. */
interface Position {
  readonly command: CommandFacts;
  /** How many arguments of the command come before it. */
  readonly argumentsBefore: number;
  /** The option whose value it is. */
  readonly option: OptionFacts | undefined;
  /** Whether no option may come any more: there was a `--`. */
  readonly isPlain: boolean;
}

/** Which domains are worth to be offered. */
export type States = "running" | "any";

type FindTargets = (typed: string, states: States) => readonly Candidate[];

/** What `complete` prints: candidates, one a line, each with a tab and its description. */
export function completeWords(program: CommandFacts, words: readonly string[], findTargets: FindTargets): string {
  const typed = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const position = before.reduce(step, { command: program, argumentsBefore: 0, option: undefined, isPlain: false });
  const all = listCandidates(position, typed, findTargets);
  const candidates = all.filter(({ word }) => word === "" || word.startsWith(typed));
  return candidates.map(({ word, description }) => `${word}\t${description}\n`).join("");
}

function step(position: Position, word: string): Position {
  const { command, argumentsBefore, option, isPlain } = position;
  if (option !== undefined) return { ...position, option: undefined };
  if (!isPlain && word === "--") return { ...position, isPlain: true };
  if (!isPlain && word.startsWith("-")) {
    const found = listOptions(command).find(({ short, long }) => word === short || word === long);
    return { ...position, option: found?.required === true ? found : undefined };
  }
  const inner = command
    .createHelp()
    .visibleCommands(command)
    .find((one) => one.name() === word);
  if (inner !== undefined) return { ...position, command: inner, argumentsBefore: 0 };
  return { ...position, argumentsBefore: argumentsBefore + 1 };
}

function listOptions(command: CommandFacts): OptionFacts[] {
  return command.createHelp().visibleOptions(command);
}

function listCandidates(
  { command, argumentsBefore, option, isPlain }: Position,
  typed: string,
  findTargets: FindTargets,
): readonly Candidate[] {
  if (option !== undefined) return listValues(PLACEHOLDER.exec(option.flags)?.[1], option.argChoices);
  if (!isPlain && typed.startsWith("-")) return describeOptions(command);
  const commands = command.createHelp().visibleCommands(command);
  if (commands.length > 0) return commands.map((one) => ({ word: one.name(), description: one.description() }));
  const argument = findArgument(command, argumentsBefore);
  return argument !== undefined && TARGETS.includes(argument.name())
    ? findTargets(typed, OF_ANY_STATE.includes(command.name()) ? "any" : "running")
    : listValues(argument?.name(), argument?.argChoices);
}

function findArgument({ registeredArguments }: CommandFacts, index: number): ArgumentFacts | undefined {
  const last = registeredArguments.at(-1);
  return registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
}

/** `--iso <OUT>` */
const PLACEHOLDER = /<(\w+)>/;

/** What arguments are called that are targets. */
const TARGETS: readonly string[] = ["TARGET", "HOST"];

/** The commands that have a use for a domain that does not run. */
const OF_ANY_STATE: readonly string[] = ["wait", "enable", "doctor", "show", "forget", "credential"];

/** What arguments, and values of options, are called that are files. */
const FILES: readonly string[] = ["FILE", "OUT"];

/** By what an argument or a value is called. A guest's other accounts are not known on its host. */
function listValues(name: string | undefined, choices: readonly string[] | undefined): readonly Candidate[] {
  if (name === "USER") return describeChoices(["root"]);
  if (name !== undefined && FILES.includes(name)) return [{ word: "", description: name }];
  return describeChoices(choices);
}

function describeChoices(choices: readonly string[] | undefined): Candidate[] {
  return (choices ?? []).map((word) => ({ word, description: "" }));
}

function describeOptions(command: CommandFacts): Candidate[] {
  return listOptions(command).map(({ short, long, description }) => ({ word: long ?? short ?? "", description }));
}
