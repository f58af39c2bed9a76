/** What the last of the words on virtssh's own command line could become. commander's tree says which words there are. */

export interface Candidate {
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

/** What `complete` prints: candidates, one a line, each with a tab and its description. */
export function completeWords(
  program: CommandFacts,
  words: readonly string[],
  findTargets: (typed: string) => readonly Candidate[],
): string {
  const typed = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const position = before.reduce(step, { command: program, argumentsBefore: 0, option: undefined, isPlain: false });
  const candidates = listCandidates(position, typed, findTargets).filter(({ word }) => word.startsWith(typed));
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
  findTargets: (typed: string) => readonly Candidate[],
): readonly Candidate[] {
  if (option !== undefined) return describeChoices(option.argChoices);
  if (!isPlain && typed.startsWith("-")) return describeOptions(command);
  const commands = command.createHelp().visibleCommands(command);
  if (commands.length > 0) return commands.map((one) => ({ word: one.name(), description: one.description() }));
  const argument = command.registeredArguments[argumentsBefore];
  return argument !== undefined && TARGETS.includes(argument.name())
    ? findTargets(typed)
    : describeChoices(argument?.argChoices);
}

/** What arguments are called that are targets. */
const TARGETS: readonly string[] = ["TARGET", "HOST"];

function describeChoices(choices: readonly string[] | undefined): Candidate[] {
  return (choices ?? []).map((word) => ({ word, description: "" }));
}

function describeOptions(command: CommandFacts): Candidate[] {
  return listOptions(command).map(({ short, long, description }) => ({ word: long ?? short ?? "", description }));
}
