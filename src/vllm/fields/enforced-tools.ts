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
