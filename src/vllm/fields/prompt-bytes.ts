import { Buffer } from 'node:buffer';
import type { RouteFamily } from '../../kernel/exchange.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';

/** What the template of a model writes around messages, in bytes of text: some tens of tokens. */
const TEMPLATE_BYTES = 256;

/**
 * Members of a body that become its prompt, and what is written around them; of `isEach` ones every item has the model's
 * whole context for itself.
 */
const PROMPT: {
  readonly [family in RouteFamily]?: {
    readonly members: readonly string[];
    readonly around: number;
    readonly isEach?: true;
  };
} = {
  chat: { members: ['messages', 'tools', 'documents'], around: TEMPLATE_BYTES },
  'chat-batch': { members: ['messages'], around: TEMPLATE_BYTES, isEach: true },
  completions: { members: ['prompt'], around: 0, isEach: true },
  responses: { members: ['input', 'instructions', 'tools'], around: TEMPLATE_BYTES },
  messages: { members: ['messages', 'system', 'tools'], around: TEMPLATE_BYTES },
  transcription: { members: ['prompt'], around: 0 },
};
/** Members that hold media or the way to them, which cost tokens by their size in pixels or seconds, not in bytes. */
const MEDIA: ReadonlySet<string> = new Set(['url', 'image_url', 'data']);
/** A number is about one token, and a token id exactly one. */
const BYTES_OF_NUMBER = 8;

/** Bytes of UTF-8 of the texts in the longest prompt of a checked body. Names of members and media are left out. */
export function promptBytesOf(family: RouteFamily, body: JsonObject): number {
  const row = PROMPT[family];
  let bytes = row?.around ?? 0;
  for (const name of row?.members ?? []) {
    const member = body[name];
    if (member === undefined) continue;
    bytes += row?.isEach === true ? longestOf(member) : bytesIn(member);
  }
  return bytes;
}

function longestOf(prompts: JsonValue): number {
  // A list of token ids is one prompt.
  if (!Array.isArray(prompts) || typeof prompts[0] === 'number') return bytesIn(prompts);
  return prompts.reduce<number>((most, prompt) => Math.max(most, bytesIn(prompt)), 0);
}

/** Recursion is as deep as the parser allows. */
function bytesIn(value: JsonValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return BYTES_OF_NUMBER;
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = 0;
  if (Array.isArray(value)) {
    for (const item of value) bytes += bytesIn(item);
    return bytes;
  }
  for (const name in value) {
    const member = value[name];
    if (member === undefined || (typeof member === 'string' && MEDIA.has(name))) continue;
    bytes += bytesIn(member);
  }
  return bytes;
}
