import { isJsonObject } from '../../kernel/json.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { nearest } from '../../kernel/nearest.ts';
import { Refusal, invalid } from './refusal.ts';
import type { Check, FieldContext, MemberRow, Members } from './field.ts';
import { memberPath } from '../../wire/json-path.ts';
import { sameJson } from './same-json.ts';

/**
 * An object with the members of the rows. What is sent is built anew from checked members only.
 *
 * @param hint what to give instead of another type
 */
export function objectOf(rows: Members, hint: string): Check {
  const known = Object.keys(rows);
  const checks = new Map(Object.entries(rows).map(([name, row]) => [name, checkOf(row)]));
  const required = known.filter((name) => rows[name]?.policy === 'pass' && rows[name].isRequired === true);

  const check = (value: JsonValue, context: FieldContext): JsonObject | Refusal => {
    if (!isJsonObject(value)) return invalid(hint);
    const sent: JsonObject = {};
    for (const name in value) {
      const member = value[name];
      // SDKs send null for what is not set, and vLLM takes it so.
      if (member === undefined || member === null) continue;
      const judge = checks.get(name);
      if (judge === undefined) {
        if (context.unknownFields === 'deny') return unknownField(name, known);
        noteDropped(context.adjusted, name);
        continue;
      }
      const checked = judge(member, context);
      if (checked instanceof Refusal) return checked.within(name);
      if (checked !== undefined) sent[name] = checked;
    }
    for (const name of required) {
      if (sent[name] === undefined) return invalid('This field is required.', name);
    }
    return sent;
  };
  return Object.assign(check, { rows });
}

/** An object that has one of several forms, told apart by the value of a member. */
export function formsOf(discriminator: string, forms: Readonly<Record<string, Check>>, hint: string): Check {
  const byName = new Map(Object.entries(forms));
  const words = Object.keys(forms).join(', ');
  const check: Check = (value, context) => {
    if (!isJsonObject(value)) return invalid(hint);
    // Own members only: what the caller did not send must not be found on a prototype.
    const word = Object.hasOwn(value, discriminator) ? value[discriminator] : undefined;
    const form = typeof word === 'string' ? byName.get(word) : undefined;
    return form === undefined ? invalid(`Give one of: ${words}.`, discriminator) : form(value, context);
  };
  const known = Object.values(forms).flatMap((form) => [
    ...(form.rows === undefined ? [] : [form.rows]),
    ...(form.forms ?? []),
  ]);
  return Object.assign(check, { forms: known });
}

/** What a row does with a value. */
export function checkOf(row: MemberRow): Check {
  switch (row.policy) {
    case 'pass':
      return row.type;
    case 'drop':
    case 'overwrite':
      return () => undefined;
    case 'deny':
      return closed(row);
  }
}

function closed({ vllmDefault, instead, grant, type }: Extract<MemberRow, { policy: 'deny' }>): Check {
  const other = instead === undefined ? 'Leave it out' : `Leave it out; the name for it is ${instead}`;
  const opening = grant === undefined ? '.' : `, or ask the operator for the grant ${grant}.`;
  const refusal = new Refusal('forbidden_field', '', `This field of vLLM is closed at the gateway. ${other}${opening}`);
  return (value, context) => {
    if (vllmDefault !== undefined && sameJson(value, vllmDefault)) return undefined;
    return grant !== undefined && type !== undefined && context.grants.has(grant) ? type(value, context) : refusal;
  };
}

/** No field's name is longer: a caller's long one is not worth the time of a comparison. */
const MAX_GUESSED_CHARS = 48;

/** Refuses a name that nobody knows, with the nearest one that somebody does. */
function unknownField(name: string, known: readonly string[]): Refusal {
  const near = name.length <= MAX_GUESSED_CHARS ? nearest(name, known) : undefined;
  const hint = near === undefined ? 'Remove it.' : `Remove it, or did you mean ${near}?`;
  return new Refusal('unknown_field', memberPath('', name), `This field is not known. ${hint}`);
}

const MAX_NOTED = 16;

/** Names a dropped field for the response header: only names that cannot break out of it, and not without end. */
export function noteDropped(adjusted: string[], name: string): void {
  const note = `${name}=dropped`;
  if (adjusted.length < MAX_NOTED && /^[A-Za-z0-9_.-]{1,64}$/.test(name) && !adjusted.includes(note))
    adjusted.push(note);
}
