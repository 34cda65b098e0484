import { isJsonObject } from '../../kernel/json.ts';
import type { JsonArray, JsonObject, JsonValue } from '../../kernel/json.ts';
import type { FieldContext } from './field.ts';
import { placeOf } from './kept-places.ts';
import { Refusal, invalid } from './refusal.ts';
import { compiledSchema } from './tools.ts';

/** How a body writes a tool. */
export interface ToolForm {
  /** Member that holds what a tool says of itself; undefined: the tool does. */
  readonly within: string | undefined;
  /** Member that is its schema. */
  readonly schema: string;
}

/** What a body chooses among its tools. */
export interface ToolChoice {
  /** No tool is to be called. */
  readonly isNone: boolean;
  /** A tool has to be called. */
  readonly isEnforced: boolean;
  /** The name of that tool; undefined where each will do. */
  readonly name: JsonValue | undefined;
  /** Where the body names it. */
  readonly at: string;
}

/**
 * Judges the schemas of tools that become a grammar: those whose call is enforced; and where one asks to be called by its
 * schema to the letter (`strict`), all that do not say `strict: false`, of which vLLM (from 0.24, unless told) makes one
 * grammar, though the model may choose to call none.
 */
export function checkGrammars(
  tools: JsonArray,
  { isNone, isEnforced, name, at }: ToolChoice,
  { within, schema }: ToolForm,
  context: FieldContext,
): Refusal | undefined {
  const owns = tools.map((tool) => ownOf(tool, within));
  if (!isEnforced && (isNone || !owns.some(({ strict }) => strict === true))) return undefined;
  let isKnown = false;
  for (const [i, own] of owns.entries()) {
    if (isEnforced ? name !== undefined && own['name'] !== name : own['strict'] === false) continue;
    isKnown = true;
    const refusal = own[schema] === undefined ? undefined : compiledSchema(own[schema], context);
    const path = within === undefined ? schema : `${within}.${schema}`;
    if (refusal instanceof Refusal) return refusal.within(`tools[${placeOf(tools, i)}].${path}`);
  }
  return isKnown ? undefined : invalid('Name one of the tools.', at);
}

function ownOf(tool: JsonValue, within: string | undefined): JsonObject {
  const own = within !== undefined && isJsonObject(tool) ? tool[within] : tool;
  return own !== undefined && isJsonObject(own) ? own : {};
}

/**
 * What a choice means where no tool is left: nothing can be called. A caller who asks for a call and has sent no tools
 * has made a mistake; one whose tools were all left out has been told so.
 */
export function settleNoTools(sent: JsonObject, asksForCall: boolean, context: FieldContext): Refusal | undefined {
  delete sent['tool_choice'];
  delete sent['parallel_tool_calls'];
  return !asksForCall || context.adjusted.includes('tools=dropped')
    ? undefined
    : invalid('Give the tools that are to be called.', 'tool_choice');
}

/** Settles what tools and their choice mean together, in the form in which vLLM enforces them. */
export function settleTools(sent: JsonObject, context: FieldContext): Refusal | undefined {
  const list = sent['tools'];
  const choice = sent['tool_choice'];
  if (!Array.isArray(list)) {
    const asksForCall = choice !== undefined && choice !== 'none' && choice !== 'auto';
    return settleNoTools(sent, asksForCall, context);
  }
  const name = isJsonObject(choice) && isJsonObject(choice['function']) ? choice['function']['name'] : undefined;
  const isEnforced = name !== undefined || choice === 'required';
  const chosen = { isNone: choice === 'none', isEnforced, name, at: 'tool_choice.function.name' };
  return checkGrammars(list, chosen, { within: 'function', schema: 'parameters' }, context);
}
