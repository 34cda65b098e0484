import { bool, int, oneOf } from './check.ts';
import { CHAT, COMPLETIONS, EMBEDDINGS, GENERATE } from './field.ts';
import type { FieldFamily } from './field.ts';
import { streamOptionsCheck } from './stream-options.ts';

/** What the answer holds and how it comes. */
export const output = {
  stream: { on: GENERATE, policy: 'pass', type: () => bool },
  stream_options: { on: GENERATE, policy: 'pass', type: streamOptionsCheck },
  encoding_format: { on: EMBEDDINGS, policy: 'pass', type: () => oneOf('float', 'base64') },
  dimensions: { on: EMBEDDINGS, policy: 'pass', type: () => int(1, 1_000_000) },

  top_logprobs: { on: CHAT, policy: 'deny', vllmDefault: 0, why: 'Serves to copy the model; not in this version.' },
  prompt_logprobs: { on: GENERATE, policy: 'deny', why: 'Costs a whole prefill and shows the template.' },
  logprob_token_ids: { on: GENERATE, policy: 'deny', why: 'Serves to copy the model.' },
  return_tokens_as_token_ids: { on: GENERATE, policy: 'deny', vllmDefault: false, why: 'Shows token ids.' },
  return_token_ids: { on: GENERATE, policy: 'deny', vllmDefault: false, why: 'Shows the prompt with its template.' },
  return_prompt_text: { on: CHAT, policy: 'deny', vllmDefault: false, why: 'Shows the prompt with its template.' },
  return_token_offsets: {
    on: GENERATE,
    policy: 'deny',
    vllmDefault: false,
    why: 'Shows the prompt with its template.',
  },
  return_assistant_tokens_mask: { on: CHAT, policy: 'deny', vllmDefault: false, why: 'Shows the form of the prompt.' },
  return_mm_kwargs: { on: GENERATE, policy: 'deny', vllmDefault: false, why: 'Shows tensors of the processor.' },
  mm_payload: { on: GENERATE, policy: 'deny', vllmDefault: 'tensors', why: 'Belongs to return_mm_kwargs.' },
  return_weight_versions: { on: GENERATE, policy: 'deny', vllmDefault: false, why: 'Tells how the server is run.' },
  routed_experts_prompt_start: { on: GENERATE, policy: 'deny', vllmDefault: 0, why: 'Shows how experts are chosen.' },
  skip_special_tokens: { on: GENERATE, policy: 'deny', vllmDefault: true, why: 'Shows control tokens of the model.' },
  spaces_between_special_tokens: {
    on: GENERATE,
    policy: 'deny',
    vllmDefault: true,
    why: 'Shows control tokens of the model.',
  },
  stream_interval: { on: GENERATE, policy: 'deny', why: 'Not in this version.' },
  embed_dtype: { on: EMBEDDINGS, policy: 'deny', vllmDefault: 'float32', why: 'Not in this version.' },
  endianness: { on: EMBEDDINGS, policy: 'deny', vllmDefault: 'native', why: 'Not in this version.' },
  padding: { on: EMBEDDINGS, policy: 'deny', why: 'Makes every text as long as the longest possible.' },
  normalize: { on: EMBEDDINGS, policy: 'deny', why: 'Not in this version.' },
  use_activation: { on: EMBEDDINGS, policy: 'deny', why: 'Not in this version.' },
} as const satisfies FieldFamily;

/** Fields of the answer whose type depends on the body. */
export const chatOutput = {
  logprobs: { on: CHAT, policy: 'deny', vllmDefault: false, why: 'Serves to copy the model; not in this version.' },
} as const satisfies FieldFamily;

/** As `chatOutput`, for completions. */
export const completionsOutput = {
  logprobs: { on: COMPLETIONS, policy: 'deny', why: 'Serves to copy the model; not in this version.' },
} as const satisfies FieldFamily;
