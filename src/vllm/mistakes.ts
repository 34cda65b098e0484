import { isJsonObject, type JsonObject, type JsonValue } from '../kernel/json.ts';
import { nearest } from '../kernel/nearest.ts';
import { joinPath, memberPath } from '../wire/json-path.ts';

/** What is wrong with a row or an advisory that someone wrote. */
export interface Mistake {
  /** Where, from the value that was read: `when.all[1].above`; empty for that value itself. */
  readonly path: string;
  /** What to do about it; never text of the value. */
  readonly hint: string;
}

/** Reads the members of values that nobody has checked, and collects everything that is wrong with them. */
export interface ShapeReader {
  readonly mistakes: readonly Mistake[];
  /** Notes a mistake. Gives undefined, for the value that there is not. */
  note(path: string, hint: string): undefined;
  /** An object that has no members but these. */
  object(path: string, value: JsonValue | undefined, known: readonly string[]): JsonObject | undefined;
  /** A text of 1 to `maxChars` characters, without control and format characters. */
  text(path: string, value: JsonValue | undefined, maxChars: number): string | undefined;
  /** A list of up to `maxItems`, each as `item` reads it; items that it cannot read are left out. */
  list<T>(
    path: string,
    value: JsonValue | undefined,
    maxItems: number,
    item: (path: string, value: JsonValue) => T | undefined,
  ): T[];
}

/** Makes a reader. @param maxMistakes how many are kept: a hostile text could make any number of them */
export function createShapeReader(maxMistakes = 100): ShapeReader {
  const mistakes: Mistake[] = [];
  const note = (path: string, hint: string): undefined => {
    if (mistakes.length < maxMistakes) mistakes.push({ path, hint });
    return undefined;
  };
  return {
    mistakes,
    note,
    object(path, value, known) {
      if (!isJsonObject(value)) return note(path, 'Give an object.');
      for (const name of Object.keys(value)) {
        if (known.includes(name)) continue;
        if (mistakes.length >= maxMistakes) break; // guesses cost time, and a hostile object has names without end
        const near = nearest(name, known);
        note(memberPath(path, name), near === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${near}?`);
      }
      return value;
    },
    text(path, value, maxChars) {
      const isGood = typeof value === 'string' && value !== '' && value.length <= maxChars && !UNPRINTABLE.test(value);
      return isGood ? value : note(path, `Give a text of 1 to ${maxChars} printable characters.`);
    },
    list(path, value, maxItems, item) {
      if (!Array.isArray(value)) return note(path, 'Give a list.') ?? [];
      if (value.length > maxItems) return note(path, `Give at most ${maxItems} items.`) ?? [];
      return value
        .map((element, i) => item(joinPath(path, `[${i}]`), element))
        .filter((element) => element !== undefined);
    },
  };
}

/** What terminals act on or do not show: controls, formats, line breaks, and halves of a character. */
export const UNPRINTABLE: RegExp = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** A member of an object by its name, never one of its prototype's. */
export function memberOf(value: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}
