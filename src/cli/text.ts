import { withoutUnseen } from '../wire/printable.ts';
import { UsageError } from './command.ts';
import type { Flags } from './flags.ts';

/**
 * Columns of equal width, two spaces between them; the first row is their heads. Cells may be anybody's text: what a terminal
 * would act on is a space.
 */
export function table(given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(withoutUnseen));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}

/** Names and values below each other. */
export function pairs(rows: readonly (readonly [string, string])[]): string {
  return table(rows);
}

/** JSON without characters that a terminal acts on: they are written as escapes, so that its value is the same. */
export const quietJson = (text: string): string =>
  text.replace(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );

/** One JSON value on a line of its own. */
export function json(value: unknown): string {
  return `${quietJson(JSON.stringify(value, undefined, 2))}\n`;
}

/** A time for people, or a word where there is none. */
export function timeText(time: string | null, none: string): string {
  return time === null ? none : time.replace(/\.\d+Z$/, 'Z');
}

/** The words of a flag that takes several, given as `a,b`, as `--flag a --flag b`, or both. @throws UsageError */
export function listOf(flags: Flags, name: string): string[] | undefined {
  const words = flags
    .list(name)
    .flatMap((text) => text.split(','))
    .map((word) => word.trim());
  if (words.includes('')) throw new UsageError(`--${name} has an empty word: give it as a,b`);
  return words.length === 0 ? undefined : words;
}

/** A whole number that a flag takes; undefined where it is left out. @throws UsageError */
export function countOf(flags: Flags, name: string, min: number, max: number): number | undefined {
  const word = flags.text(name);
  if (word === undefined) return undefined;
  const value = /^\d{1,9}$/.test(word) ? Number(word) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${name} is a whole number from ${min} to ${max}.`);
}

/** A limit that a flag takes: a whole number, or the word none. @throws UsageError */
export function limitOf(flags: Flags, name: string): number | 'none' | undefined {
  const word = flags.text(name);
  if (word === undefined || word === 'none') return word;
  if (!/^\d{1,13}$/.test(word)) throw new UsageError(`--${name} is a whole number, or none.`);
  return Number(word);
}

/** Without what was not given. */
export const present = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
