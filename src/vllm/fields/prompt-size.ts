import { Buffer } from 'node:buffer';
import type { RouteFamily } from '../../kernel/exchange.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';

/** What of a body the model reads, as far as it can be told without its tokenizer. */
export interface PromptSize {
  /** Bytes of UTF-8 of all texts, names of members and media left out. */
  readonly bytes: number;
  /** Objects and texts in lists: messages and their parts, tools, documents. A template writes something around each. */
  readonly items: number;
  /** Token ids, and other numbers. */
  readonly numbers: number;
  /** Images, recordings and films. */
  readonly media: number;
  /** Prompts that are answered each for itself; >= 1. */
  readonly prompts: number;
}

/** What the prompt of a family stands in. What is in no row costs the model nothing. */
const PROMPT: { readonly [family in RouteFamily]?: { readonly members: readonly string[]; readonly each?: string } } = {
  chat: { members: ['messages', 'tools', 'documents'] },
  'chat-batch': { members: ['messages'], each: 'messages' },
  completions: { members: ['prompt'], each: 'prompt' },
  responses: { members: ['input', 'instructions', 'tools'] },
  messages: { members: ['messages', 'system', 'tools'] },
  embeddings: { members: ['input', 'messages'] },
  'cohere-embed': { members: ['texts', 'images', 'inputs'] },
  score: { members: ['text_1', 'text_2', 'queries', 'documents', 'items', 'data_1', 'data_2', 'instruction'] },
  rerank: { members: ['query', 'documents', 'instruction'] },
  classify: { members: ['input', 'messages'] },
  pooling: { members: ['input', 'messages', 'data'] },
  transcription: { members: ['prompt'] },
};
const MEDIA: ReadonlySet<string> = new Set(['url', 'image_url', 'data', 'audio_url', 'video_url']);
/** A recording is no member of its form: it counts as one medium. */
const RECORDING = 1;

/** Whether a model works for a family at all, and so tokens are counted. */
export const isCounted = (family: RouteFamily): boolean => PROMPT[family] !== undefined;

/** Families whose answer is written token by token. */
const WRITES: ReadonlySet<RouteFamily> = new Set([
  'chat',
  'chat-batch',
  'completions',
  'responses',
  'messages',
  'transcription',
]);

/** Whether a family's answer is written token by token. */
export const writesTokens = (family: RouteFamily): boolean => WRITES.has(family);

/** The size of the prompts of a checked body. */
export function promptSizeOf(family: RouteFamily, body: JsonObject): PromptSize {
  const size: Sums = { bytes: 0, items: 0, numbers: 0, media: family === 'transcription' ? RECORDING : 0 };
  const row = PROMPT[family];
  for (const name of row?.members ?? []) {
    const member = body[name];
    if (member !== undefined) add(size, member, FREE.has(name));
  }
  const prompts = promptsIn(row?.each === undefined ? undefined : body[row.each]);
  // Each pair of a query and a document is a prompt of its own.
  if (family === 'rerank' || family === 'score') pairUp(size, body);
  return { ...size, prompts };
}

interface Sums {
  bytes: number;
  items: number;
  numbers: number;
  media: number;
}

/** A list of token ids is one prompt. */
export const promptsIn = (member: JsonValue | undefined): number =>
  Array.isArray(member) && typeof member[0] !== 'number' ? Math.max(1, member.length) : 1;

/** Documents come in a list, or in the `content` of an object. */
const partsIn = (member: JsonValue | undefined): number => promptsIn(isJsonObject(member) ? member['content'] : member);

/** What stands on the shorter side of pairs is read once for each on the longer one. */
function pairUp(size: Sums, body: JsonObject): void {
  const many = Math.max(...['documents', 'items', 'data_2', 'text_2'].map((name) => partsIn(body[name])));
  for (const name of ['query', 'queries', 'data_1', 'text_1', 'instruction']) {
    const one = body[name];
    // A list is a side of its own; the parts of an object are one input, and read with each document.
    if (one === undefined || promptsIn(one) > 1) continue;
    for (let i = 1; i < Math.min(many, MOST_PAIRS); i++) add(size, one, false);
  }
}

/** Recursion is as deep as the parser allows. @param isFree it is any JSON of the caller's, all of which is written into the prompt */
function add(size: Sums, value: JsonValue, isFree: boolean): void {
  if (typeof value === 'string') size.bytes += bytesOf(value);
  else if (typeof value === 'number') {
    // In a tool's arguments it is text, digit by digit; elsewhere a token id.
    if (isFree) size.bytes += String(value).length;
    else size.numbers += 1;
  } else if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item !== 'number') size.items += 1;
      add(size, item, isFree);
    }
  } else if (typeof value === 'object' && value !== null) addMembers(size, value, isFree);
}

function addMembers(size: Sums, value: JsonObject, isFree: boolean): void {
  for (const name in value) {
    const member = value[name];
    if (member === undefined) continue;
    // With the marks around it; else whoever writes a prompt into names would have it for nothing.
    size.bytes += bytesOf(name) + (isFree ? MARKS : 0);
    if (!isFree && typeof member === 'string' && MEDIA.has(name)) size.media += 1;
    else add(size, member, isFree || FREE.has(name) || (name === 'input' && isJsonObject(member)));
  }
}

/** Bytes of UTF-8. A name or a short text is sooner looked through than handed over to be counted. */
function bytesOf(text: string): number {
  if (text.length > SHORT) return Buffer.byteLength(text);
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text);
  return text.length;
}

/** Members that hold any JSON: of tools, of their arguments, of documents. */
const FREE: ReadonlySet<string> = new Set([
  'tools',
  'documents',
  'input_schema',
  'parameters',
  'arguments',
  'tool_calls',
]);
/** Characters. */
const SHORT = 24;
/** Quotes, colon and comma. */
const MARKS = 4;
const MOST_PAIRS = 10_000;
