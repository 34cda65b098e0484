import type { JsonObject } from '../../kernel/json.ts';
import { invalid } from './refusal.ts';
import type { FieldContext } from './field.ts';
import type { Refusal } from './refusal.ts';
import { settleTools } from './enforced-tools.ts';

/** What the members of a chat body mean together. */
export function settleChat(sent: JsonObject, context: FieldContext): Refusal | undefined {
  const top = sent['top_logprobs'];
  if (top === 0) delete sent['top_logprobs']; // vLLM's default
  else if (top !== undefined && sent['logprobs'] !== true) return invalid('Set logprobs to true.', 'top_logprobs');
  if (sent['logprobs'] === false) delete sent['logprobs'];
  return settleTools(sent, context);
}
