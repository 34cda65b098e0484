import type { JsonObject } from '../../kernel/json.ts';
import { int, listOf } from './check.ts';
import type { FieldContext, FieldFamily } from './field.ts';
import { messageCheck } from './messages.ts';
import { outOfRange } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { settleChat } from './settle-chat.ts';

const NO_TOOLS = 'vLLM calls no tools in a batch.';

/** Fields of a chat that are others where one request holds many. */
export const batch = {
  messages: {
    on: ['chat-batch'],
    policy: 'pass',
    isRequired: true,
    type: listOf(listOf(messageCheck, 'messages'), 'conversations'),
  },
  // Each conversation gets one answer; vLLM itself refuses more.
  n: { on: ['chat-batch'], policy: 'pass', type: int(1, 1) },
  stream: { on: ['chat-batch'], policy: 'deny', vllmDefault: false, why: 'vLLM answers a batch in one piece.' },
  stream_options: { on: ['chat-batch'], policy: 'deny', why: 'Belongs to stream.' },
  tools: { on: ['chat-batch'], policy: 'deny', vllmDefault: [], why: NO_TOOLS },
  tool_choice: { on: ['chat-batch'], policy: 'deny', vllmDefault: 'none', why: NO_TOOLS },
  parallel_tool_calls: { on: ['chat-batch'], policy: 'deny', why: NO_TOOLS },
} as const satisfies FieldFamily;

/** What the members of a batch mean together: all its conversations count as one request's messages. */
export function settleBatch(sent: JsonObject, context: FieldContext): Refusal | undefined {
  const conversations = sent['messages'];
  let messages = 0;
  for (const one of Array.isArray(conversations) ? conversations : []) messages += Array.isArray(one) ? one.length : 0;
  const most = context.caps.messages;
  if (messages > most) return outOfRange(`Give at most ${most} messages in all conversations together.`, 'messages');
  return settleChat(sent, context);
}
