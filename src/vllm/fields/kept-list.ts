import type { JsonValue } from '../../kernel/json.ts';
import type { Most } from './check.ts';
import type { Check } from './field.ts';
import { notePlaces } from './kept-places.ts';
import { Refusal, invalid, outOfRange } from './refusal.ts';

/** As `listOf`, but leaves out items for which `item` gives nothing; sends nothing where none is left. */
export function keptListOf(item: Check, max: Most): Check {
  const check: Check = (value, context) => {
    if (!Array.isArray(value)) return invalid('Give a list.');
    const most = typeof max === 'number' ? max : context.caps[max];
    if (value.length > most) return outOfRange(`Give at most ${most} items.`);
    const kept: JsonValue[] = [];
    const places: number[] = [];
    for (let i = 0; i < value.length; i++) {
      const checked = item(value[i] ?? null, context);
      if (checked instanceof Refusal) return checked.within(`[${i}]`);
      if (checked === undefined) continue;
      kept.push(checked);
      places.push(i);
    }
    if (kept.length === 0) return undefined;
    return kept.length < value.length ? notePlaces(kept, places) : kept;
  };
  return Object.assign(check, { item });
}

/** A text, or such a list. */
export function textOrKeptList(item: Check, max: Most): Check {
  const list = keptListOf(item, max);
  const check: Check = (value, context) => {
    if (Array.isArray(value)) return list(value, context);
    return typeof value === 'string' ? value : invalid('Give a text or a list.');
  };
  return Object.assign(check, { item });
}
