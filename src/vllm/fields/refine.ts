import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { Refusal } from './refusal.ts';
import type { Check, FieldContext } from './field.ts';

/** A check of objects that goes on, with what passed it, to another judgement of the whole. */
export function refine(
  check: Check,
  next: (checked: JsonObject, context: FieldContext, sent: JsonValue) => ReturnType<Check>,
): Check {
  const { rows, forms } = check;
  const refined: Check = (value, context) => {
    const checked = check(value, context);
    return typeof checked !== 'object' || checked === null || checked instanceof Refusal || Array.isArray(checked)
      ? checked
      : next(checked, context, value);
  };
  return Object.assign(refined, rows === undefined ? {} : { rows }, forms === undefined ? {} : { forms });
}

/** An object whose members may all be left out; an empty one is not sent. */
export const emptyObjectIsAbsent = (check: Check): Check =>
  refine(check, (checked) => (Object.keys(checked).length === 0 ? undefined : checked));
