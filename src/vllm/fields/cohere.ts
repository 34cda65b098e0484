import { isJsonObject } from '../../kernel/json.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { int, listOf, oneOf, shortText, text } from './check.ts';
import type { Check, FieldContext, FieldFamily, Members } from './field.ts';
import { imageCheck, imageUrlCheck } from './media.ts';
import { formsOf, objectOf } from './object.ts';
import { invalid } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** An image as in a chat, but never the bare URL. */
const imageObject: Check = Object.assign(
  (value: JsonValue, context: FieldContext) =>
    isJsonObject(value) ? imageCheck(value, context) : invalid('Give an object with url.'),
  { rows: imageCheck.rows ?? {} },
);
const part = formsOf(
  'type',
  {
    text: objectOf(
      {
        type: { policy: 'pass', type: oneOf('text'), isRequired: true },
        text: { policy: 'pass', type: text, isRequired: true },
      },
      'Give a part: {"type":"text","text":"…"}.',
    ),
    image_url: objectOf(
      {
        type: { policy: 'pass', type: oneOf('image_url'), isRequired: true },
        image_url: { policy: 'pass', type: imageObject, isRequired: true },
      },
      'Give a part: {"type":"image_url","image_url":{"url":"data:…"}}.',
    ),
  },
  'Give a part: {"type":"text","text":"…"}.',
);
const input: Members = { content: { policy: 'pass', type: listOf(part, 'inputList'), isRequired: true } };

/** Embeddings in the format of Cohere's second API. Images are data: URLs, for vLLM would fetch any other. */
export const cohere = {
  texts: { on: ['cohere-embed'], policy: 'pass', type: listOf(text, 'inputList') },
  images: { on: ['cohere-embed'], policy: 'pass', type: listOf(imageUrlCheck, 'images') },
  inputs: {
    on: ['cohere-embed'],
    policy: 'pass',
    type: listOf(objectOf(input, 'Give an object with content.'), 'inputList'),
  },
  input_type: { on: ['cohere-embed'], policy: 'pass', type: shortText(1, 64) },
  embedding_types: {
    on: ['cohere-embed'],
    policy: 'pass',
    type: listOf(oneOf('float', 'binary', 'ubinary', 'base64'), 4),
  },
  output_dimension: { on: ['cohere-embed'], policy: 'pass', type: int(1, 1_000_000) },
  max_tokens: { on: ['cohere-embed'], policy: 'pass', type: int(1, 1_000_000) },
  truncate: { on: ['cohere-embed'], policy: 'pass', type: oneOf('NONE', 'START', 'END') },
} as const satisfies FieldFamily;

const SOURCES = ['texts', 'images', 'inputs'] as const;

/** Settles what is embedded: of several sources releases take one or the other. */
export function settleCohere(sent: JsonObject): Refusal | undefined {
  const [source, stray] = SOURCES.filter((name) => sent[name] !== undefined);
  if (source === undefined) return invalid('Give texts, images or inputs.', 'texts');
  return stray === undefined ? undefined : invalid(`Leave it out, for ${source} is there.`, stray);
}
