import type * as z from 'zod';
import { nearest } from '../kernel/nearest.ts';
import { NOT_IN_THIS_VERSION } from '../kernel/option.ts';
import { deny, type Denial, type ReasonCode } from '../kernel/reasons.ts';

/** Everything that is wrong with the fields of a request, first things first. At least one. */
export interface Mistakes {
  readonly mistakes: readonly Denial[];
}

/** Tells mistakes from what was read. */
export function isMistakes(value: object): value is Mistakes {
  return 'mistakes' in value;
}

/** Fields of later versions: known by name, and refused in words that say so. */
const LATER: ReadonlySet<string> = new Set(['tpm', 'budgetTokens', 'cap', 'grant', 'onBehalfOf', 'owner']);

/**
 * Reads the fields of a body or query by their schema.
 *
 * @param where what the object is called in a mistake that names no field
 */
export function readFields<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: 'body' | 'query',
): { readonly fields: z.output<Schema> } | Mistakes {
  const result = schema.safeParse(value);
  if (result.success) return { fields: result.data };
  return { mistakes: result.error.issues.flatMap((issue) => mistakesOf(issue, schema, where)) };
}

function mistakesOf(issue: z.core.$ZodIssue, schema: z.ZodType, where: string): Denial[] {
  if (issue.code === 'unrecognized_keys') {
    const known = 'shape' in schema && typeof schema.shape === 'object' ? Object.keys(schema.shape ?? {}) : [];
    return issue.keys.map((key) => deny('unknown_field', { param: shortened(key), message: unknownText(key, known) }));
  }
  const param = pathText(issue.path);
  if (param === '') return [deny('invalid_field', { message: `The ${where} must be one JSON object.` })];
  return [deny(codeOf(issue), { param, message: messageOf(issue) })];
}

function unknownText(key: string, known: readonly string[]): string {
  if (LATER.has(key)) return `"${key}" is ${NOT_IN_THIS_VERSION}: leave it out.`;
  const near = nearest(key, known);
  if (near !== undefined) return `There is no field "${shortened(key)}". Did you mean "${near}"?`;
  const list = known.length === 0 ? 'There are none here.' : `There are: ${known.join(', ')}.`;
  return `There is no field "${shortened(key)}". ${list}`;
}

function codeOf(issue: z.core.$ZodIssue): ReasonCode {
  return issue.code === 'too_big' || issue.code === 'too_small' ? 'value_out_of_range' : 'invalid_field';
}

function messageOf(issue: z.core.$ZodIssue): string {
  const isMissing = issue.code === 'invalid_type' && issue.input === undefined;
  return isMissing && !issue.message.startsWith('Give') ? 'This field is required.' : issue.message;
}

/** `scopes[1]`: names and positions as people write them. */
function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text === '' ? '' : `${text}.`}${String(step)}`),
    '',
  );
}

/** A name that a stranger chose, short enough for a message. */
function shortened(name: string): string {
  return name.length > 64 ? `${name.slice(0, 63)}…` : name;
}
