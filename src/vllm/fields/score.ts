import { isJsonObject } from '../../kernel/json.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { int, listOf, shortText, text } from './check.ts';
import type { Check, FieldContext, FieldFamily, Members } from './field.ts';
import { SCORE } from './field.ts';
import { objectOf } from './object.ts';
import { partCheck } from './parts.ts';
import { Refusal, invalid } from './refusal.ts';

const HINT = 'Give a text, or an object such as {"content":[{"type":"text","text":"…"}]}.';
/** Parts that a chat has and a scored text has not. */
const OF_A_CHAT: ReadonlySet<unknown> = new Set(['input_audio', 'refusal', 'thinking']);

/** One part of a text with media, judged as a part of a chat is. A part that is only a text may leave out its type. */
const scoredPart: Check = Object.assign(
  (value: JsonValue, context: FieldContext) => {
    if (!isJsonObject(value)) return invalid('Give a part: {"type":"text","text":"…"}.');
    const word = Object.hasOwn(value, 'type') ? value['type'] : undefined;
    if (OF_A_CHAT.has(word)) return invalid('Give one of: text, image_url.', 'type');
    const isText = word === undefined && Object.hasOwn(value, 'text');
    return partCheck(isText ? { type: 'text', ...value } : value, context);
  },
  { forms: partCheck.forms ?? [] },
);

const mediaMembers: Members = {
  content: { policy: 'pass', type: listOf(scoredPart, 'documents'), isRequired: true },
};
const media = objectOf(mediaMembers, HINT);
const bareText = objectOf({ text: { policy: 'pass', type: text, isRequired: true } }, HINT);

/** A text that is compared. The form `{"text":"…"}` of other servers is sent as the bare text that vLLM takes. */
const scoredText: Check = Object.assign(
  (value: JsonValue, context: FieldContext) => {
    if (typeof value === 'string') return value;
    if (!isJsonObject(value)) return invalid(HINT);
    if (!Object.hasOwn(value, 'text')) return media(value, context);
    const checked = bareText(value, context);
    return checked === undefined || checked instanceof Refusal || !isJsonObject(checked) ? checked : checked['text'];
  },
  { rows: mediaMembers },
);

const texts = listOf(scoredText, 'documents');
/** A text that is compared, or a list of them. */
const scoredTexts: Check = Object.assign(
  (value: JsonValue, context: FieldContext) => (Array.isArray(value) ? texts : scoredText)(value, context),
  { rows: mediaMembers },
);

/** Texts to compare: of a pair both are given, of the pairs exactly one. */
export const score = {
  queries: { on: ['score'], policy: 'pass', type: scoredTexts },
  documents: { on: ['score'], policy: 'pass', type: scoredTexts },
  items: { on: ['score'], policy: 'pass', type: scoredTexts },
  text_1: { on: ['score'], policy: 'pass', type: scoredTexts },
  text_2: { on: ['score'], policy: 'pass', type: scoredTexts },
  data_1: { on: ['score'], policy: 'pass', type: scoredTexts },
  data_2: { on: ['score'], policy: 'pass', type: scoredTexts },
  instruction: { on: SCORE, policy: 'pass', type: shortText(0, 8192) },
  max_tokens_per_doc: { on: SCORE, policy: 'pass', type: int(0, 1_000_000) },
  max_tokens_per_query: { on: SCORE, policy: 'pass', type: int(0, 1_000_000) },
} as const satisfies FieldFamily;

/** Documents to put in order. */
export const rerank = {
  query: { on: ['rerank'], policy: 'pass', isRequired: true, type: scoredText },
  documents: { on: ['rerank'], policy: 'pass', isRequired: true, type: scoredTexts },
  top_n: { on: ['rerank'], policy: 'pass', type: int(0, 1_000_000) },
  return_documents: { on: ['rerank'], policy: 'drop', why: "A field of Cohere's and Jina's APIs that vLLM ignores." },
} as const satisfies FieldFamily;

const PAIRS = [
  ['queries', 'documents'],
  ['queries', 'items'],
  ['text_1', 'text_2'],
  ['data_1', 'data_2'],
] as const;
const SIDES = ['queries', 'documents', 'items', 'text_1', 'text_2', 'data_1', 'data_2'] as const;

/** Settles which texts are compared: of two pairs releases take one or the other. */
export function settleScore(sent: JsonObject): Refusal | undefined {
  const given = SIDES.filter((name) => sent[name] !== undefined);
  const [left, right] = PAIRS.find((pair) => pair.every((name) => given.includes(name))) ?? [];
  if (left === undefined || right === undefined) {
    const missing = PAIRS.find((pair) => pair.some((name) => given.includes(name))) ?? PAIRS[0];
    const name = missing.find((side) => !given.includes(side)) ?? missing[0];
    return invalid('Give queries and documents (or items), text_1 and text_2, or data_1 and data_2.', name);
  }
  const stray = given.find((name) => name !== left && name !== right);
  if (stray !== undefined) return invalid(`Leave it out, for ${left} and ${right} are there.`, stray);
  const [lefts, rights] = [countOf(sent[left]), countOf(sent[right])];
  return lefts === 1 || lefts === rights
    ? undefined
    : invalid(`Give one of ${left}, or as many as there are ${right}.`, left);
}

/** How many texts stand on a side: of an object each part is one. */
function countOf(side: JsonValue | undefined): number {
  if (Array.isArray(side)) return side.length;
  const parts = isJsonObject(side) ? side['content'] : undefined;
  return Array.isArray(parts) ? parts.length : 1;
}
