import { listOf, shortText, text, textOrList } from './check.ts';
import { ALL, CHAT, COMPLETIONS, EMBEDDINGS, GENERATE } from './field.ts';
import type { FieldFamily } from './field.ts';
import { messageCheck } from './messages.ts';

/** What the model is asked, and how it is put into the model's own form. */
export const prompt = {
  messages: {
    on: CHAT,
    policy: 'pass',
    isRequired: true,
    type: (settings) => listOf(messageCheck(settings), settings.caps.messages),
  },
  // Texts only: token ids could spell control tokens that no check of texts sees.
  prompt: { on: COMPLETIONS, policy: 'pass', isRequired: true, type: ({ caps }) => textOrList(text, caps.promptList) },
  input: { on: EMBEDDINGS, policy: 'pass', isRequired: true, type: ({ caps }) => textOrList(text, caps.inputList) },
  user: { on: ALL, policy: 'pass', type: () => shortText(0, 512) },

  prompt_embeds: { on: COMPLETIONS, policy: 'deny', why: 'Tensors that vLLM loads with torch.load.' },
  echo: { on: GENERATE, policy: 'deny', vllmDefault: false, why: 'Gives back the prompt, with its template.' },
  documents: { on: CHAT, policy: 'deny', why: 'Not in this version.' },
  chat_template: { on: [...CHAT, ...EMBEDDINGS], policy: 'deny', why: 'A program that the server would run.' },
  chat_template_kwargs: {
    on: [...CHAT, ...EMBEDDINGS],
    policy: 'deny',
    why: 'Replaces the template and settings of the server (CVE-2025-62426, CVE-2026-115918).',
  },
  continue_final_message: {
    on: [...CHAT, ...EMBEDDINGS],
    policy: 'deny',
    vllmDefault: false,
    why: "Puts words into the model's mouth.",
  },
  truncate_prompt_tokens: { on: ALL, policy: 'deny', why: 'Tokenises the whole text first in older releases.' },
  truncation_side: { on: ALL, policy: 'deny', why: 'Belongs to truncate_prompt_tokens.' },
  cache_salt: { on: ALL, policy: 'deny', why: 'Lets a caller share the prefix cache of another tenant.' },
  mm_processor_kwargs: { on: [...CHAT, ...EMBEDDINGS], policy: 'deny', why: 'Grows caches (CVE-2026-114052).' },
  media_io_kwargs: { on: [...CHAT, ...EMBEDDINGS], policy: 'deny', why: 'Picks decoders (CVE-2026-105758).' },
} as const satisfies FieldFamily;

/** Fields of the prompt whose default in vLLM depends on the body. */
export const chatPrompt = {
  add_generation_prompt: { on: CHAT, policy: 'deny', vllmDefault: true, why: 'Plays with the form of the prompt.' },
  add_special_tokens: { on: CHAT, policy: 'deny', vllmDefault: false, why: 'Plays with the form of the prompt.' },
} as const satisfies FieldFamily;

/** As `chatPrompt`, for texts. */
export const textPrompt = {
  add_generation_prompt: {
    on: EMBEDDINGS,
    policy: 'deny',
    vllmDefault: false,
    why: 'Belongs to messages, which are not open on this route.',
  },
  add_special_tokens: {
    on: [...COMPLETIONS, ...EMBEDDINGS],
    policy: 'deny',
    vllmDefault: true,
    why: 'Plays with the form of the prompt.',
  },
  messages: { on: EMBEDDINGS, policy: 'deny', why: 'Not in this version.', instead: 'input' },
} as const satisfies FieldFamily;
