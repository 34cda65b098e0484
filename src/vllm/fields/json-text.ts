import { shortText, text } from './check.ts';
import type { Check } from './field.ts';
import { outOfRange } from './refusal.ts';

/** As deep as a body itself may be. */
const MAX_DEPTH = 64;

/**
 * A text that vLLM reads as JSON, by a parser that recurses: a thousand brackets end it with an error of the server's.
 * Only their depth is looked at; a text that is no JSON vLLM refuses by itself, and models do write such ones.
 */
const shallow =
  (check: Check): Check =>
  (value, context) => {
    const checked = check(value, context);
    return typeof checked === 'string' && isDeeper(checked, MAX_DEPTH)
      ? outOfRange(`Nest at most ${MAX_DEPTH} objects and lists in this JSON.`)
      : checked;
  };

/** JSON of any length: see `text`. */
export const jsonText: Check = shallow(text);

/** JSON of `min` to `max` UTF-16 units. */
export const shortJsonText = (min: number, max: number): Check => shallow(shortText(min, max));

/** Whether brackets outside strings are open more than so many deep at some place. Exact as far as a text is JSON. */
function isDeeper(json: string, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case '[':
      case '{':
        if (++depth > most) return true;
        break;
      case ']':
      case '}':
        depth--;
        break;
      case '"':
        at = endOfString(json, at);
        break;
      default:
    }
  }
  return false;
}

/** The place of the quotation mark that ends the string which begins here; the end of the text where none does. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}
