import { bool, int, intUpTo, listOf, oneOf, shortText, text } from './check.ts';
import type { Check, FieldFamily } from './field.ts';
import { IGNORED_OF_OPENAI } from './ignored.ts';
import { invalid, type Refusal } from './refusal.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { memberPath } from '../../wire/json-path.ts';

const ON = ['transcription'] as const;
const MAX_HOTWORDS_CHARS = 1024;

/** A language tag (RFC 5646), as vLLM's `en` and `zh-CN`. */
const language: Check = (value) =>
  typeof value === 'string' && /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}$/.test(value)
    ? value
    : invalid('Give a language tag such as en.');

/** Fields of speech to text, besides those of sampling. */
export const transcription = {
  file: { on: ON, policy: 'overwrite', why: "Sent as a part of its own, under a name of the gateway's." },
  language: { on: ON, policy: 'pass', type: language },
  to_language: { on: ON, policy: 'pass', type: language },
  prompt: { on: ON, policy: 'pass', type: text },
  hotwords: { on: ON, policy: 'pass', type: shortText(1, MAX_HOTWORDS_CHARS) },
  // The other formats come as plain text, which nobody inspects.
  response_format: { on: ON, policy: 'pass', type: oneOf('json', 'verbose_json') },
  'timestamp_granularities[]': { on: ON, policy: 'pass', type: listOf(oneOf('word', 'segment'), 2) },
  stream: { on: ON, policy: 'pass', type: bool },
  stream_include_usage: { on: ON, policy: 'pass', type: bool },
  max_completion_tokens: { on: ON, policy: 'pass', type: int(1, Number.MAX_SAFE_INTEGER) },
  stream_continuous_usage_stats: {
    on: ON,
    policy: 'deny',
    vllmDefault: false,
    why: 'Puts usage into every event, which costs and confuses who meters the stream.',
  },
  n: {
    on: ON,
    policy: 'deny',
    vllmDefault: 1,
    why: 'The width of the beam, for only one text is answered.',
    grant: 'fields:beam-search',
    type: intUpTo(1, 'n'),
  },
  chunking_strategy: { on: ON, ...IGNORED_OF_OPENAI },
  'chunking_strategy[type]': { on: ON, ...IGNORED_OF_OPENAI },
  'chunking_strategy[prefix_padding_ms]': { on: ON, ...IGNORED_OF_OPENAI },
  'chunking_strategy[silence_duration_ms]': { on: ON, ...IGNORED_OF_OPENAI },
  'chunking_strategy[threshold]': { on: ON, ...IGNORED_OF_OPENAI },
  'include[]': { on: ON, ...IGNORED_OF_OPENAI },
  'keywords[]': { on: ON, ...IGNORED_OF_OPENAI },
  'known_speaker_names[]': { on: ON, ...IGNORED_OF_OPENAI },
  'known_speaker_references[]': { on: ON, ...IGNORED_OF_OPENAI },
  'languages[]': { on: ON, ...IGNORED_OF_OPENAI },
} as const satisfies FieldFamily;

const NUMBERS: ReadonlySet<string> = new Set([
  'frequency_penalty',
  'length_penalty',
  'max_completion_tokens',
  'min_p',
  'n',
  'presence_penalty',
  'repetition_penalty',
  'seed',
  'temperature',
  'top_k',
  'top_p',
]);
const BOOLEANS: ReadonlySet<string> = new Set([
  'include_stop_str_in_output',
  'stream',
  'stream_continuous_usage_stats',
  'stream_include_usage',
  'use_beam_search',
  'watermarking',
]);

/** A number as JSON writes it (RFC 8259 §6). */
const NUMBER = /^-?(?:0|[1-9]\d{0,30})(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?$/;

/**
 * The body that texts of a form make: those that are numbers or booleans become such, a text that is neither stays one
 * for the check to refuse. A name that ends with `[]` is a list. An empty text is one that was left out, as for vLLM.
 */
export function bodyOfForm(fields: readonly { readonly name: string; readonly text: string }[]): JsonObject | Refusal {
  const members = new Map<string, JsonValue>();
  for (const { name, text: value } of fields) {
    if (value === '') continue;
    const before = members.get(name);
    if (name.endsWith('[]')) {
      if (Array.isArray(before)) before.push(value);
      else members.set(name, [value]);
    } else if (before === undefined) members.set(name, valueOf(name, value));
    // Of two values one reader would take the first, another one the last.
    else return invalid('Give this field once.', memberPath('', name));
  }
  // As own members, whatever their names.
  return Object.fromEntries(members);
}

function valueOf(name: string, value: string): JsonValue {
  if (BOOLEANS.has(name) && (value === 'true' || value === 'false')) return value === 'true';
  if (!NUMBERS.has(name) || !NUMBER.test(value)) return value;
  const number = Number(value);
  return Number.isFinite(number) ? number : value;
}

/** The texts of a form that a checked body makes. */
export function formOfBody(body: JsonObject): { readonly name: string; readonly text: string }[] {
  return Object.entries(body).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => ({
      name,
      text: typeof one === 'string' ? one : JSON.stringify(one),
    })),
  );
}
