import { isJsonObject } from '../../kernel/json.ts';
import type { JsonValue } from '../../kernel/json.ts';
import { COMPILED_SCHEMA, READ_SCHEMA } from '../schema/limits.ts';
import { jsonBytes } from '../schema/json-size.ts';
import { PatternBudget } from '../schema/pattern-budget.ts';
import { checkSchema } from '../schema/schema.ts';
import { bool, oneOf, shortText, text } from './check.ts';
import { IGNORED_OF_OTHERS } from './ignored.ts';
import { invalid, outOfRange } from './refusal.ts';
import type { Check, FieldContext, FieldFamily, Members } from './field.ts';
import { keptListOf } from './kept-list.ts';
import { formsOf, noteDropped, objectOf } from './object.ts';
import { freeForm } from './text-bytes.ts';

/** What the patterns of a request may still cost, over all its tools and formats: they are judged one by one. */
const budgets = new WeakMap<FieldContext, PatternBudget>();

function budgetOf(context: FieldContext): PatternBudget {
  const budget = budgets.get(context) ?? new PatternBudget();
  budgets.set(context, budget);
  return budget;
}

/** A JSON Schema that the model reads: a tool's parameters, unless a call is enforced (`enforcedTools`). */
export const readSchema = freeForm(
  (value, context) =>
    // All tools together are bounded by `toolBytes`; a coding agent has single large ones.
    checkSchema(
      value,
      {
        schemaBytes: context.caps.toolBytes,
        schemaNodes: context.caps.schemaNodes,
        schemaDepth: context.caps.schemaDepth,
      },
      READ_SCHEMA,
      budgetOf(context),
    ) ?? value,
);

/** A JSON Schema that becomes a grammar. */
export const compiledSchema: Check = (value, context) =>
  checkSchema(value, context.caps, COMPILED_SCHEMA, budgetOf(context)) ?? value;

const toolFunction: Members = {
  name: { policy: 'pass', type: shortText(1, 256), isRequired: true },
  description: { policy: 'pass', type: text },
  parameters: { policy: 'pass', type: readSchema },
  strict: { policy: 'pass', type: bool },
  defer_loading: { policy: 'deny', vllmDefault: false, why: 'Hides the tool from the prompt.' },
};
const tool: Members = {
  type: { policy: 'pass', type: oneOf('function'), isRequired: true },
  function: { policy: 'pass', type: objectOf(toolFunction, 'Give an object with name.'), isRequired: true },
  defer_loading: { policy: 'deny', vllmDefault: false, why: 'Hides the tool from the prompt.' },
  cache_control: IGNORED_OF_OTHERS,
};

/** Kinds of tools in OpenAI's API that vLLM cannot run: left out, so that an agent that lists them still works. */
const FOREIGN_TOOLS: ReadonlySet<string> = new Set(['custom', 'web_search', 'web_search_preview', 'file_search']);

/** The list of tools. Those of other kinds are left out and said so. */
export function toolsOf(check: Check, foreign: { readonly has: (kind: string) => boolean }): Check {
  const known = keptListOf((item, context) => {
    if (!isJsonObject(item) || typeof item['type'] !== 'string' || !foreign.has(item['type'])) {
      return check(item, context);
    }
    noteDropped(context.adjusted, 'tools');
    return undefined;
  }, 'tools');
  const judge: Check = (value, context) => {
    const { caps } = context;
    if (!Array.isArray(value)) return invalid('Give a list of tools.');
    if (value.length > caps.tools) return outOfRange(`Give at most ${caps.tools} tools.`);
    if (jsonBytes(value, caps.toolBytes) > caps.toolBytes)
      return outOfRange(`Give at most ${caps.toolBytes} bytes of tools.`);
    return known(value, context);
  };
  return Object.assign(judge, { item: check });
}

const namedChoice = objectOf(
  {
    type: { policy: 'pass', type: oneOf('function'), isRequired: true },
    function: {
      policy: 'pass',
      type: objectOf({ name: { policy: 'pass', type: shortText(1, 256), isRequired: true } }, 'Give {"name":"…"}.'),
      isRequired: true,
    },
  },
  'Give none, auto, required, or the tool to call.',
);
const choiceWord = oneOf('none', 'auto', 'required');
const choiceCheck: Check = Object.assign(
  (value: JsonValue, context: FieldContext) =>
    typeof value === 'string' ? choiceWord(value, context) : formsOfChoice(value, context),
  { forms: namedChoice.rows === undefined ? [] : [namedChoice.rows] },
);
const formsOfChoice = formsOf('type', { function: namedChoice }, 'Give none, auto, required, or the tool to call.');

/** Tools of OpenAI's chat format. */
export const tools = {
  tools: {
    on: ['chat', 'tokenize'],
    policy: 'pass',
    type: toolsOf(objectOf(tool, 'Give a tool: an object with type and function.'), FOREIGN_TOOLS),
  },
  tool_choice: { on: ['chat'], policy: 'pass', type: choiceCheck },
  parallel_tool_calls: { on: ['chat'], policy: 'pass', type: bool },
} as const satisfies FieldFamily;
