import { isJsonObject } from '../../kernel/json.ts';
import { bool, emptyIsAbsent, int, intUpTo, listOf, num, oneOf, shortText, textOrList } from './check.ts';
import { invalid, outOfRange } from './refusal.ts';
import type { Check, FieldFamily } from './field.ts';
import { CHAT, COMPLETIONS, GENERATE } from './field.ts';
import { memberPath } from '../../wire/json-path.ts';

/** A stop string is compared with the text after each token, so it has to stay short. */
const MAX_STOP_CHARS = 1024;
/** Below it 1 - p is 1 in the 32 bits that vLLM computes with, or p itself is 0: kernels then find no token to keep. */
const MIN_TOP_P = 1e-7;
const MAX_BIASES = 300;
/** Ids above it are in no vocabulary. */
export const MAX_TOKEN_ID = 2_000_000;

/** Stop strings; none is vLLM's default. */
export const stopCheck: Check = emptyIsAbsent(textOrList(shortText(1, MAX_STOP_CHARS), 'stop'));

/** Biases by token id. vLLM itself takes values that are not finite. */
const biasCheck: Check = (value) => {
  if (!isJsonObject(value)) return invalid('Give an object of token ids and numbers.');
  let count = 0;
  for (const id in value) {
    if (++count > MAX_BIASES) return outOfRange(`Give at most ${MAX_BIASES} token ids.`);
    const bias = value[id];
    if (!/^[0-9]{1,7}$/.test(id) || Number(id) > MAX_TOKEN_ID || typeof bias !== 'number') {
      return invalid('Give token ids with numbers.', memberPath('', id));
    }
    if (bias < -100 || bias > 100) return outOfRange('Give a number from -100 to 100.', memberPath('', id));
  }
  return count === 0 ? undefined : value;
};

/** One to `max` token ids. */
export const tokenIds = (max: number): Check => emptyIsAbsent(listOf(int(0, MAX_TOKEN_ID), max));

/** How the next token is chosen, and when to stop. */
export const sampling = {
  temperature: { on: [...GENERATE, 'responses', 'messages', 'transcription'], policy: 'pass', type: num(0, 2) },
  top_p: { on: [...GENERATE, 'responses', 'messages', 'transcription'], policy: 'pass', type: num(MIN_TOP_P, 1) },
  top_k: { on: [...GENERATE, 'responses', 'messages', 'transcription'], policy: 'pass', type: int(-1, 1_000_000) },
  min_p: { on: [...GENERATE, 'responses', 'transcription'], policy: 'pass', type: num(0, 1) },
  presence_penalty: { on: [...GENERATE, 'responses', 'transcription'], policy: 'pass', type: num(-2, 2) },
  frequency_penalty: { on: [...GENERATE, 'responses', 'transcription'], policy: 'pass', type: num(-2, 2) },
  repetition_penalty: { on: [...GENERATE, 'responses', 'transcription'], policy: 'pass', type: num(0.5, 2) },
  seed: {
    on: [...GENERATE, 'responses', 'transcription'],
    policy: 'pass',
    type: int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  },
  n: { on: ['chat', 'completions'], policy: 'pass', type: intUpTo(1, 'n') },
  stop: { on: [...GENERATE, 'responses'], policy: 'pass', type: stopCheck },
  logit_bias: { on: [...GENERATE, 'responses'], policy: 'pass', type: biasCheck },
  max_tokens: { on: GENERATE, policy: 'pass', type: int(1, Number.MAX_SAFE_INTEGER) },
  max_completion_tokens: { on: CHAT, policy: 'pass', type: int(1, Number.MAX_SAFE_INTEGER) },
  include_stop_str_in_output: { on: [...GENERATE, 'responses', 'transcription'], policy: 'pass', type: bool },
  reasoning_effort: {
    on: ['chat'],
    policy: 'pass',
    type: oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'),
  },
  include_reasoning: { on: [...CHAT, 'responses'], policy: 'pass', type: bool },

  min_tokens: {
    on: GENERATE,
    policy: 'deny',
    vllmDefault: 0,
    why: 'Forces long answers (CVE-2026-114051).',
    grant: 'fields:benchmark',
    type: intUpTo(0, 'outputTokens'),
  },
  ignore_eos: {
    on: [...GENERATE, 'responses'],
    policy: 'deny',
    vllmDefault: false,
    why: 'Always runs to the output limit.',
    grant: 'fields:benchmark',
    type: bool,
  },
  best_of: {
    on: GENERATE,
    policy: 'deny',
    vllmDefault: 1,
    why: 'Generates several answers for one that is counted.',
  },
  use_beam_search: {
    on: [...GENERATE, 'transcription'],
    policy: 'deny',
    vllmDefault: false,
    why: 'Multiplies the work of every step by the width of the beam.',
    grant: 'fields:beam-search',
    type: bool,
  },
  length_penalty: {
    on: [...GENERATE, 'transcription'],
    policy: 'deny',
    vllmDefault: 1,
    why: 'Belongs to beam search.',
    grant: 'fields:beam-search',
    type: num(-10, 10),
  },
  early_stopping: {
    on: ['chat-batch'],
    policy: 'deny',
    vllmDefault: false,
    why: 'Belongs to beam search.',
    grant: 'fields:beam-search',
    type: bool,
  },
  stop_token_ids: {
    on: [...GENERATE, 'responses'],
    policy: 'deny',
    vllmDefault: [],
    why: 'Ids out of range; no bound on their count.',
    grant: 'fields:token-ids',
    type: tokenIds(16),
  },
  allowed_token_ids: {
    on: GENERATE,
    policy: 'deny',
    why: 'Constrains requests of others too (CVE-2026-93840, CVE-2026-114049).',
  },
  bad_words: { on: GENERATE, policy: 'deny', vllmDefault: [], why: 'Changes the logits of others (CVE-2026-93989).' },
  logits_processors: { on: GENERATE, policy: 'deny', why: 'Imports code by its name.' },
  repetition_detection: { on: GENERATE, policy: 'deny', why: 'Work for each token without bound.' },
  thinking_token_budget: {
    on: GENERATE,
    policy: 'deny',
    why: 'Acts on other requests in some releases.',
    grant: 'fields:benchmark',
    type: intUpTo(-1, 'outputTokens'),
  },
  watermarking: {
    on: [...GENERATE, 'responses', 'messages', 'transcription'],
    policy: 'deny',
    why: 'A choice of the operator.',
  },
  suffix: { on: COMPLETIONS, policy: 'deny', why: 'vLLM does not support it.' },
} as const satisfies FieldFamily;
