import { isJsonObject } from '../../kernel/json.ts';
import type { JsonArray, JsonObject, JsonValue } from '../../kernel/json.ts';
import type { FieldContext } from './field.ts';
import { placeOf } from './kept-places.ts';
import { Refusal, invalid } from './refusal.ts';
import { compiledSchema } from './tools.ts';

/** Which calls a body enforces. */
export interface Enforced {
  /** The tool's name; undefined: some tool has to be called. */
  readonly name: JsonValue | undefined;
  /** Where the body names it. */
  readonly at: string;
  /** Member of a tool that is its schema. */
  readonly schema: string;
}

/**
 * Whether a tool asks to be called by its schema to the letter. vLLM (from 0.24, unless told) then makes one grammar of
 * all tools that do not say `strict: false`, though the model may choose to call none.
 */
const isStrict = (tool: JsonValue | undefined): boolean =>
  tool !== undefined && isJsonObject(tool) && tool['strict'] === true;

/** Judges the schemas of tools that become a grammar because one of them is strict, where no call is enforced. */
export function checkStrict(tools: JsonArray, schema: string, context: FieldContext): Refusal | undefined {
  if (!tools.some(isStrict)) return undefined;
  for (let i = 0; i < tools.length; i++) {
    const tool = tools[i];
    if (!isJsonObject(tool) || tool['strict'] === false) continue;
    const refusal = tool[schema] === undefined ? undefined : compiledSchema(tool[schema], context);
    if (refusal instanceof Refusal) return refusal.within(`tools[${placeOf(tools, i)}].${schema}`);
  }
  return undefined;
}

/** Judges the schemas of tools whose call is enforced: each becomes a grammar. */
export function checkEnforced(tools: JsonArray, enforced: Enforced, context: FieldContext): Refusal | undefined {
  let isKnown = false;
  for (let i = 0; i < tools.length; i++) {
    const tool = tools[i];
    if (!isJsonObject(tool) || (enforced.name !== undefined && tool['name'] !== enforced.name)) continue;
    isKnown = true;
    const schema = tool[enforced.schema];
    const refusal = schema === undefined ? undefined : compiledSchema(schema, context);
    if (refusal instanceof Refusal) return refusal.within(`tools[${placeOf(tools, i)}].${enforced.schema}`);
  }
  return isKnown ? undefined : invalid('Name one of the tools.', enforced.at);
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
