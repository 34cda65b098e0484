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
      return parseArgs({ args: withDashedIds(words, all), options, allowPositionals: true, strict: true });
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

/** Ids that are hashes (base64url, 22 or 43 characters) may begin with a dash, one in 64 does. */
const DASHED_ID = /^-(?:[A-Za-z0-9_-]{21}|[A-Za-z0-9_-]{42})$/;

/** Lets such an id be the value of the flag before it, or a word, where it would be read as a flag. */
function withDashedIds(words: readonly string[], kinds: FlagKinds): string[] {
  if (words.includes('--')) return [...words];
  const isId = (word: string): boolean => DASHED_ID.test(word) && !Object.hasOwn(kinds, word.slice(2));
  const flags: string[] = [];
  const ids: string[] = [];
  for (const word of words) {
    const before = flags.at(-1) ?? '';
    const kind = before.startsWith('--') ? kinds[before.slice(2)] : undefined;
    if (!isId(word)) flags.push(word);
    else if (kind === 'text' || kind === 'list') flags.push(`${flags.pop() ?? ''}=${word}`);
    else ids.push(word);
  }
  return ids.length === 0 ? flags : [...flags, '--', ...ids];
}
