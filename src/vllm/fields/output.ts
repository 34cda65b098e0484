import { bool, int, intUpTo, oneOf } from './check.ts';
import { CHAT, COMPLETIONS, GENERATE } from './field.ts';
import type { BodyKind, FieldFamily } from './field.ts';
import { streamOptionsCheck } from './stream-options.ts';

const STREAMS = ['chat', 'completions'] as const;
const EMBEDS = ['embeddings', 'pooling'] as const satisfies readonly BodyKind[];
const SHOWS = 'Shows the prompt with its template.';

/** What the answer holds and how it comes. */
export const output = {
  stream: { on: [...STREAMS, 'responses', 'messages'], policy: 'pass', type: bool },
  stream_options: { on: STREAMS, policy: 'pass', type: streamOptionsCheck },
  encoding_format: { on: EMBEDS, policy: 'pass', type: oneOf('float', 'base64') },
  dimensions: { on: EMBEDS, policy: 'pass', type: int(1, 1_000_000) },
  top_logprobs: { on: CHAT, policy: 'pass', type: intUpTo(0, 'topLogprobs') },

  prompt_logprobs: { on: GENERATE, policy: 'deny', why: 'Costs a whole prefill and shows the template.' },
  logprob_token_ids: { on: GENERATE, policy: 'deny', why: 'Serves to copy the model.' },
  return_tokens_as_token_ids: { on: GENERATE, policy: 'deny', vllmDefault: false, why: 'Shows token ids.' },
  return_token_ids: { on: GENERATE, policy: 'deny', vllmDefault: false, why: SHOWS },
  return_prompt_text: { on: CHAT, policy: 'deny', vllmDefault: false, why: SHOWS },
  return_token_offsets: { on: GENERATE, policy: 'deny', vllmDefault: false, why: SHOWS },
  return_assistant_tokens_mask: { on: CHAT, policy: 'deny', vllmDefault: false, why: 'Shows the form of the prompt.' },
  return_token_strs: { on: ['tokenize'], policy: 'deny', vllmDefault: false, why: 'Triples the answer.' },
  return_mm_kwargs: {
    on: [...GENERATE, 'responses', 'messages'],
    policy: 'deny',
    vllmDefault: false,
    why: 'Shows tensors of the processor.',
  },
  mm_payload: {
    on: [...GENERATE, 'responses', 'messages'],
    policy: 'deny',
    vllmDefault: 'tensors',
    why: 'Belongs to return_mm_kwargs.',
  },
  return_weight_versions: { on: GENERATE, policy: 'deny', vllmDefault: false, why: 'Tells how the server is run.' },
  routed_experts_prompt_start: { on: GENERATE, policy: 'deny', vllmDefault: 0, why: 'Shows how experts are chosen.' },
  skip_special_tokens: {
    on: [...GENERATE, 'responses'],
    policy: 'deny',
    vllmDefault: true,
    why: 'Shows control tokens of the model.',
  },
  spaces_between_special_tokens: {
    on: [...GENERATE, 'responses'],
    policy: 'deny',
    vllmDefault: true,
    why: 'Shows control tokens of the model.',
  },
  stream_interval: { on: GENERATE, policy: 'deny', why: 'Holds tokens back; the gateway counts them as they come.' },
  embed_dtype: { on: EMBEDS, policy: 'deny', vllmDefault: 'float32', why: 'Answers in bytes that nobody inspects.' },
  endianness: { on: EMBEDS, policy: 'deny', vllmDefault: 'native', why: 'Belongs to embed_dtype.' },
  padding: {
    on: ['embeddings', 'classify', 'pooling', 'score', 'rerank'],
    policy: 'deny',
    why: 'Makes every text as long as the longest possible.',
  },
  normalize: { on: EMBEDS, policy: 'deny', why: 'A choice of the operator; newer releases ignore it.' },
  use_activation: {
    on: ['embeddings', 'classify', 'pooling', 'score', 'rerank'],
    policy: 'pass',
    type: bool,
  },
  activation: { on: ['classify', 'score', 'rerank'], policy: 'deny', why: 'An old name.', instead: 'use_activation' },
  softmax: { on: ['pooling'], policy: 'deny', vllmDefault: true, why: 'An old name.', instead: 'use_activation' },
} as const satisfies FieldFamily;

/** Fields of the answer whose type depends on the body. */
export const chatOutput = {
  logprobs: { on: CHAT, policy: 'pass', type: bool },
} as const satisfies FieldFamily;

/** As `chatOutput`, for completions. */
export const completionsOutput = {
  logprobs: { on: COMPLETIONS, policy: 'pass', type: intUpTo(0, 'topLogprobs') },
} as const satisfies FieldFamily;
