import { parseArgs } from 'node:util';
import { nearest } from '../kernel/nearest.ts';
import { UsageError } from './command.ts';

/** The flags that a command takes: with a text, several texts, or alone. */
export type FlagKinds = Readonly<Record<string, 'text' | 'list' | 'flag'>>;

/** Flags and other words of a command line. */
export interface Flags {
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  has(name: string): boolean;
  readonly words: readonly string[];
}

/** Flags that every command takes. */
export const COMMON: FlagKinds = { config: 'text', 'state-dir': 'text', json: 'flag', help: 'flag' };

/** Reads a command line. @throws UsageError with the nearest valid flag */
export function parseFlags(words: readonly string[], kinds: FlagKinds): Flags {
  const all = { ...COMMON, ...kinds };
  const options = Object.fromEntries(
    Object.entries(all).map(([name, kind]) => [
      name,
      kind === 'flag' ? ({ type: 'boolean' } as const) : ({ type: 'string', multiple: kind === 'list' } as const),
    ]),
  );
  const parsed = (() => {
    try {
      return parseArgs({ args: withIds(words, all), options, allowPositionals: true, strict: true });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const unknown = /'(--?[^' =]+)/.exec(message)?.[1];
      const near = unknown === undefined ? undefined : nearest(unknown.replace(/^-+/, ''), Object.keys(all));
      const hint =
        near === undefined
          ? `Flags: ${Object.keys(all)
              .map((name) => `--${name}`)
              .join(' ')}`
          : `Did you mean --${near}?`;
      throw new UsageError(`${message.split('. ')[0] ?? message}. ${hint}`);
    }
  })();
  const values: Record<string, unknown> = parsed.values;
  return {
    text: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
    list: (name) => (Array.isArray(values[name]) ? values[name].map(String) : []),
    has: (name) => values[name] === true,
    words: parsed.positionals,
  };
}

/** Hashes in base64url name tokens (22 characters), sessions and grants (43): one in 64 begins as a flag does. */
const ID_LIKE_A_FLAG = /^-(?:[\w-]{21}|[\w-]{42})$/;

/** Ids that look like flags, as `parseArgs` takes them for what they are: whoever revokes pastes what a list shows. */
function withIds(words: readonly string[], all: FlagKinds): string[] {
  if (words.includes('--')) return [...words];
  const args: string[] = [];
  const ids: string[] = [];
  for (const word of words) {
    const before = args.at(-1) ?? '';
    if (!ID_LIKE_A_FLAG.test(word) || isFlag(word, all)) args.push(word);
    else if (isFlag(before, all) && all[before.slice(2)] !== 'flag') args.push(`${args.pop() ?? ''}=${word}`);
    else ids.push(word);
  }
  return ids.length === 0 ? args : [...args, '--', ...ids];
}

const isFlag = (word: string, all: FlagKinds): boolean => word.startsWith('--') && Object.hasOwn(all, word.slice(2));
