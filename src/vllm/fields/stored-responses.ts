import { reasons } from '../../kernel/reasons.ts';
import { bool } from './check.ts';
import type { BodyKind, Check, FieldFamily } from './field.ts';
import { invalid, Refusal } from './refusal.ts';

const ON = ['responses'] as const satisfies readonly BodyKind[];

/** The caller's id of a response; what is sent in its place is upstream's own. */
const previousResponse: Check = (value, context) => {
  if (typeof value !== 'string') return invalid('Give the id of a response.');
  const held = context.openResponse(value);
  // Whether it is malformed, made up or another caller's: the same words, for they would tell which ids there are.
  if (held === undefined) return new Refusal('unknown_response', '', reasons.unknown_response.message);
  context.held = held;
  return held.id;
};

/** What bodies of the Responses API may have beside, and in place of, the usual rows where responses are stored. */
export const storedResponses = {
  store: { on: ON, policy: 'pass', type: bool },
  background: { on: ON, policy: 'pass', type: bool },
  previous_response_id: { on: ON, policy: 'pass', type: previousResponse },
} as const satisfies FieldFamily;
