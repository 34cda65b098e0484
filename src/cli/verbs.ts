import { nearest } from '../kernel/nearest.ts';
import { NOT_IN_THIS_VERSION } from '../kernel/option.ts';
import { UsageError, type CommandIo } from './command.ts';
import { parseFlags, type FlagKinds, type Flags } from './flags.ts';

/** One verb of a command, such as `create` of `keys`. */
export interface Verb {
  readonly name: string;
  readonly kinds: FlagKinds;
  /** Names of the words that it needs, such as `ID`; `any`: it looks at them itself. */
  readonly words: readonly string[] | 'any';
  readonly run: (flags: Flags, io: CommandIo) => Promise<number>;
}

/** Runs the verb that a command line names. @throws UsageError with the nearest valid word */
export function runVerb(
  command: string,
  verbs: readonly Verb[],
  later: readonly string[],
  words: readonly string[],
  io: CommandIo,
): Promise<number> {
  const name = verbOf(words, verbs);
  const names = verbs.map((verb) => verb.name);
  const verb = verbs.find((one) => one.name === name);
  if (name === undefined) throw new UsageError(`Say what to do: sallyport ${command} ${names.join('|')}`);
  if (verb === undefined) {
    if (later.includes(name)) throw new UsageError(`"${command} ${name}" is ${NOT_IN_THIS_VERSION}.`);
    const near = nearest(name, names);
    const hint = near === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${near}"?`;
    throw new UsageError(`"${command} ${name}" is no command. ${hint}`);
  }
  const at = words.indexOf(name);
  const flags = parseFlags([...words.slice(0, at), ...words.slice(at + 1)], verb.kinds);
  if (verb.words !== 'any') expectWords(flags, verb.words, `sallyport ${command} ${name}`);
  return verb.run(flags, io);
}

/** Refuses words that are missing or too many. @throws UsageError */
export function expectWords(flags: Flags, wanted: readonly string[], usage: string): void {
  if (flags.words.length === wanted.length) return;
  const missing = wanted[flags.words.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing: ${[usage, ...wanted].join(' ')}`);
  throw new UsageError(`"${flags.words[wanted.length]}" is one word too many: ${[usage, ...wanted].join(' ')}`);
}

/** The first word that is neither a flag nor a flag's value. */
function verbOf(words: readonly string[], verbs: readonly Verb[]): string | undefined {
  const [first] = words;
  if (first?.startsWith('-') !== true) return first;
  return parseFlags(words, Object.assign({}, ...verbs.map(({ kinds }) => kinds))).words[0];
}
