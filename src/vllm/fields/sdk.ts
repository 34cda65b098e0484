import type { BodyKind, FieldFamily } from './field.ts';

const ALL = ['chat', 'chat-batch', 'completions', 'embeddings', 'responses'] as const satisfies readonly BodyKind[];
const CHAT = ['chat', 'chat-batch'] as const satisfies readonly BodyKind[];

const IGNORED = "A field of OpenAI's API that vLLM ignores.";

/** Fields that the official SDKs can send and vLLM ignores: accepted, so that a stock SDK works, and not sent on. */
export const sdk = {
  metadata: { on: ALL, policy: 'drop', why: IGNORED },
  service_tier: { on: ALL, policy: 'drop', why: IGNORED },
  safety_identifier: { on: ALL, policy: 'drop', why: IGNORED },
  store: { on: ['chat', 'chat-batch', 'completions', 'embeddings'], policy: 'drop', why: IGNORED },
  audio: { on: CHAT, policy: 'drop', why: IGNORED },
  function_call: { on: CHAT, policy: 'drop', why: IGNORED },
  functions: { on: CHAT, policy: 'drop', why: IGNORED },
  modalities: { on: CHAT, policy: 'drop', why: IGNORED },
  moderation: { on: CHAT, policy: 'drop', why: IGNORED },
  prediction: { on: CHAT, policy: 'drop', why: IGNORED },
  prompt_cache_key: { on: CHAT, policy: 'drop', why: IGNORED },
  prompt_cache_options: { on: CHAT, policy: 'drop', why: IGNORED },
  prompt_cache_retention: { on: CHAT, policy: 'drop', why: IGNORED },
  verbosity: { on: CHAT, policy: 'drop', why: IGNORED },
  web_search_options: { on: CHAT, policy: 'drop', why: IGNORED },
} as const satisfies FieldFamily;
