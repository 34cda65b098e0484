import { isJsonObject } from '../../kernel/json.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { checkGrammars, settleNoTools } from './enforced-tools.ts';
import type { FieldContext } from './field.ts';
import { invalid, type Refusal } from './refusal.ts';

/** What the members of a responses body mean together. */
export function settleResponses(sent: JsonObject, context: FieldContext): Refusal | undefined {
  const refusal = settleStore(sent);
  if (refusal !== undefined) return refusal;
  // Without this it has no effect.
  if (sent['include'] === undefined || sent['top_logprobs'] === 0) delete sent['top_logprobs'];
  settleFormat(sent);
  return settleChoice(sent, context);
}

/**
 * Only what is asked for is stored, though vLLM stores what nobody forbids: it never forgets it. Where the gateway has
 * responses stored nowhere, neither field comes this far.
 */
function settleStore(sent: JsonObject): Refusal | undefined {
  const isBackground = sent['background'] === true;
  if (isBackground && sent['store'] === false) return invalid('Leave it out, or set store to true.', 'background');
  sent['store'] = isBackground || sent['store'] === true;
  if (!isBackground) delete sent['background'];
  return undefined;
}

/** Of `text.format` vLLM reads only schemas. JSON of whatever form is asked for in its own words, else it goes unheard. */
function settleFormat(sent: JsonObject): void {
  const format = isJsonObject(sent['text']) ? sent['text']['format'] : undefined;
  if (!isJsonObject(format) || format['type'] !== 'json_object') return;
  delete sent['text'];
  sent['structured_outputs'] ??= { json_object: true };
}

function settleChoice(sent: JsonObject, context: FieldContext): Refusal | undefined {
  const { tools } = sent;
  const chosen = sent['tool_choice'];
  const isNamed = isJsonObject(chosen);
  const asksForCall = isNamed || chosen === 'required';
  if (!Array.isArray(tools)) return settleNoTools(sent, asksForCall, context);
  const choice = {
    isNone: chosen === 'none',
    isEnforced: asksForCall,
    name: isNamed ? chosen['name'] : undefined,
    at: 'tool_choice.name',
  };
  return checkGrammars(tools, choice, { within: undefined, schema: 'parameters' }, context);
}
