import { isJsonObject } from '../../kernel/json.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { checkGrammars, settleNoTools } from './enforced-tools.ts';
import type { FieldContext } from './field.ts';
import type { Refusal } from './refusal.ts';

/** What the members of a messages body mean together. */
export function settleMessages(sent: JsonObject, context: FieldContext): Refusal | undefined {
  const { tools } = sent;
  const chosen = sent['tool_choice'];
  const kind = isJsonObject(chosen) ? chosen['type'] : undefined;
  const asksForCall = kind === 'any' || kind === 'tool';
  if (!Array.isArray(tools)) return settleNoTools(sent, asksForCall, context);
  const choice = {
    isNone: kind === 'none',
    isEnforced: asksForCall,
    name: isJsonObject(chosen) && kind === 'tool' ? chosen['name'] : undefined,
    at: 'tool_choice.name',
  };
  return checkGrammars(tools, choice, { within: undefined, schema: 'input_schema' }, context);
}
