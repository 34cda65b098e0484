import type { JsonObject } from '../../kernel/json.ts';
import type { Caps } from './caps.ts';
import { bool, int, listOf, text } from './check.ts';
import type { FieldContext, FieldFamily } from './field.ts';
import { messageCheck } from './messages.ts';
import { invalid } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { MAX_TOKEN_ID } from './sampling.ts';
import { settleTools } from './enforced-tools.ts';

/** A real vLLM held one core for 29 s and 2 GB for 10 MB of text: this much takes it about a fifth of a second. */
const TOKENIZE_BYTES = 64 * 1024;
const MAX_IDS = 131_072;

/** Fields of the tokenizer's routes. A chat is checked as one that is answered: the same templates and media code run. */
export const tokenize = {
  prompt: { on: ['tokenize'], policy: 'pass', type: text },
  messages: { on: ['tokenize'], policy: 'pass', type: listOf(messageCheck, 'messages') },
  // Nothing is generated here, and counting with and without them is what the route is asked for.
  add_special_tokens: { on: ['tokenize'], policy: 'pass', type: bool },
  tokens: { on: ['detokenize'], policy: 'pass', isRequired: true, type: listOf(int(0, MAX_TOKEN_ID), MAX_IDS) },
} as const satisfies FieldFamily;

/** Fields that mean something in a chat only. */
const OF_A_CHAT = ['tools', 'add_generation_prompt', 'continue_final_message', 'chat_template_kwargs'] as const;

/** Settles which of its two forms a body has: with both, or a mixture, releases differ in what they take. */
export function settleTokenize(sent: JsonObject, context: FieldContext): Refusal | undefined {
  if (sent['messages'] === undefined) {
    if (sent['prompt'] === undefined) return invalid('Give a prompt, or messages.', 'prompt');
    const stray = OF_A_CHAT.find((name) => sent[name] !== undefined);
    return stray === undefined ? undefined : invalid('Leave it out, or give messages in place of prompt.', stray);
  }
  if (sent['prompt'] !== undefined) return invalid('Leave it out, or give no messages.', 'prompt');
  return settleTools(sent, context);
}

/** The caps of a body that is only tokenized. */
export function tokenizeCaps(caps: Caps): Caps {
  return {
    ...caps,
    textBytes: Math.min(caps.textBytes, TOKENIZE_BYTES),
    // The names in a tool's schema are text for the tokenizer as well.
    toolBytes: Math.min(caps.toolBytes, TOKENIZE_BYTES),
  };
}
