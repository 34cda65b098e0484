import type { JsonValue } from '../../kernel/json.ts';
import type { CapName } from './caps.ts';
import type { Check } from './field.ts';
import { Refusal, invalid, outOfRange } from './refusal.ts';

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

/** A whole number from `min` to one of the caller's caps. */
export function intUpTo(min: number, cap: CapName): Check {
  return (value, { caps }) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return invalid('Give a whole number.');
    return value < min || value > caps[cap] ? outOfRange(`Give a whole number from ${min} to ${caps[cap]}.`) : value;
  };
}

/** The most items of a list: a number, or one of the caller's caps. */
export type Most = number | CapName;

/** A list of 1 to `max` items; its items are replaced by what `item` gives for them. */
export function listOf(item: Check, max: Most): Check {
  const check: Check = (value, context) => {
    if (!Array.isArray(value) || value.length === 0) return invalid('Give a list of at least one item.');
    const most = typeof max === 'number' ? max : context.caps[max];
    if (value.length > most) return outOfRange(`Give at most ${most} items.`);
    const checked: JsonValue[] = [];
    for (let i = 0; i < value.length; i++) {
      const element = item(value[i] ?? null, context);
      if (element instanceof Refusal) return element.within(`[${i}]`);
      if (element === undefined) return invalid('This item may not be left empty.', `[${i}]`);
      checked.push(element);
    }
    return checked;
  };
  return Object.assign(check, { item });
}

/** A text, or a list of 1 to `max` texts. */
export function textOrList(item: Check, max: Most): Check {
  const list = listOf(item, max);
  return (value, context) => {
    if (Array.isArray(value)) return list(value, context);
    return typeof value === 'string' ? item(value, context) : invalid('Give a text or a list of texts.');
  };
}

/** Sends nothing for an empty list, which SDKs send for what is not set. */
export function emptyIsAbsent(check: Check): Check {
  const judged: Check = (value, context) =>
    Array.isArray(value) && value.length === 0 ? undefined : check(value, context);
  return Object.assign(judged, check);
}
