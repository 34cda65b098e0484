import { CHAT, type BodyKind, type FieldFamily } from './field.ts';
import { IGNORED_OF_OPENAI, IGNORED_OF_OTHERS } from './ignored.ts';

const ALL = ['chat', 'chat-batch', 'completions', 'embeddings', 'responses'] as const satisfies readonly BodyKind[];

/** Fields that the official SDKs can send and vLLM ignores: accepted, so that a stock SDK works, and not sent on. */
export const sdk = {
  metadata: { on: ALL, ...IGNORED_OF_OPENAI },
  service_tier: { on: ALL, ...IGNORED_OF_OPENAI },
  safety_identifier: { on: ALL, ...IGNORED_OF_OPENAI },
  store: { on: ['chat', 'chat-batch', 'completions', 'embeddings'], ...IGNORED_OF_OPENAI },
  audio: { on: CHAT, ...IGNORED_OF_OPENAI },
  function_call: { on: CHAT, ...IGNORED_OF_OPENAI },
  functions: { on: CHAT, ...IGNORED_OF_OPENAI },
  modalities: { on: CHAT, ...IGNORED_OF_OPENAI },
  moderation: { on: CHAT, ...IGNORED_OF_OPENAI },
  prediction: { on: CHAT, ...IGNORED_OF_OPENAI },
  prompt_cache_key: { on: CHAT, ...IGNORED_OF_OPENAI },
  prompt_cache_options: { on: CHAT, ...IGNORED_OF_OPENAI },
  prompt_cache_retention: { on: CHAT, ...IGNORED_OF_OPENAI },
  // `reasoning_effort` as other APIs write it; Cursor sends it so.
  reasoning: { on: CHAT, ...IGNORED_OF_OTHERS },
  verbosity: { on: CHAT, ...IGNORED_OF_OPENAI },
  web_search_options: { on: CHAT, ...IGNORED_OF_OPENAI },
} as const satisfies FieldFamily;
