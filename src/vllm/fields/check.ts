import type { JsonValue } from '../../kernel/json.ts';
import type { ReasonCode } from '../../kernel/reasons.ts';
import { joinPath } from './json-path.ts';

/** Why a field is refused. A class, so that it is told apart from every JSON value. */
export class Refusal {
  readonly code: ReasonCode;
  /** JSON path, relative to the value that was checked; empty for that value itself. */
  readonly path: string;
  /** What to do about it; never text of the body. */
  readonly message: string;

  constructor(code: ReasonCode, path: string, message: string) {
    this.code = code;
    this.path = path;
    this.message = message;
  }

  /** The same refusal as seen from the parent of the value: paths grow on the way back, so passing costs none. */
  within(parent: string): Refusal {
    return new Refusal(this.code, joinPath(parent, this.path), this.message);
  }
}

/** Judges one value: gives what is sent in its place (mostly itself), undefined to send nothing, or why it is refused. */
export type Check = (value: JsonValue) => JsonValue | Refusal | undefined;

/** A value of the wrong type or form. */
export function invalid(message: string, path = ''): Refusal {
  return new Refusal('invalid_field', path, message);
}

/** A number outside its range, or too many of something. */
export function outOfRange(message: string, path = ''): Refusal {
  return new Refusal('value_out_of_range', path, message);
}

/** A whole number from `min` to `max`. `2.0` is one, for JSON has only numbers; `"2"` is not. */
export function int(min: number, max: number): Check {
  const hint = `Give a whole number from ${min} to ${max}.`;
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return invalid(hint);
    return value < min || value > max ? outOfRange(hint) : value;
  };
}

/** A number from `min` to `max`, both inclusive. */
export function num(min: number, max: number): Check {
  const hint = `Give a number from ${min} to ${max}.`;
  return (value) => {
    if (typeof value !== 'number') return invalid(hint);
    return value >= min && value <= max ? value : outOfRange(hint);
  };
}

/** A number above `above` and up to `max`. */
export function numAbove(above: number, max: number): Check {
  const hint = `Give a number above ${above} and up to ${max}.`;
  return (value) => {
    if (typeof value !== 'number') return invalid(hint);
    return value > above && value <= max ? value : outOfRange(hint);
  };
}

/** True or false; not 1 or "true", which vLLM would take. */
export const bool: Check = (value) => (typeof value === 'boolean' ? value : invalid('Give true or false.'));

/** A text of any length: the text of a whole request is bounded by `textBytes`. */
export const text: Check = (value) => (typeof value === 'string' ? value : invalid('Give a text.'));

/** A text of `min` to `max` UTF-16 units. */
export function shortText(min: number, max: number): Check {
  const hint = `Give a text of ${min} to ${max} characters.`;
  return (value) => {
    if (typeof value !== 'string') return invalid(hint);
    return value.length < min || value.length > max ? outOfRange(hint) : value;
  };
}

/** One of the listed words. */
export function oneOf(...words: readonly string[]): Check {
  const hint = `Give one of: ${words.join(', ')}.`;
  return (value) => (typeof value === 'string' && words.includes(value) ? value : invalid(hint));
}

/** A list of 1 to `max` items; its items are replaced by what `item` gives for them. */
export function listOf(item: Check, max: number): Check {
  const empty = 'Give a list of at least one item.';
  const tooMany = `Give at most ${max} items.`;
  return (value) => {
    if (!Array.isArray(value)) return invalid(empty);
    if (value.length === 0) return invalid(empty);
    if (value.length > max) return outOfRange(tooMany);
    const checked: JsonValue[] = [];
    for (let i = 0; i < value.length; i++) {
      const element = item(value[i] ?? null);
      if (element instanceof Refusal) return element.within(`[${i}]`);
      if (element === undefined) return invalid('This item may not be left empty.', `[${i}]`);
      checked.push(element);
    }
    return checked;
  };
}

/** A text, or a list of 1 to `max` texts. */
export function textOrList(item: Check, max: number): Check {
  const list = listOf(item, max);
  return (value) => {
    if (Array.isArray(value)) return list(value);
    return typeof value === 'string' ? item(value) : invalid('Give a text or a list of texts.');
  };
}
