import { isJsonObject } from '../../kernel/json.ts';
import { bool, oneOf, shortText, text } from './check.ts';
import type { Check, Members } from './field.ts';
import { IGNORED_OF_ANTHROPIC } from './ignored.ts';
import { formsOf, objectOf } from './object.ts';
import type { Refusal } from './refusal.ts';
import { readSchema, toolsOf } from './tools.ts';

const tool: Members = {
  type: { policy: 'drop', why: 'Tells the kind; `custom` is the only one that vLLM has.' },
  name: { policy: 'pass', type: shortText(1, 256), isRequired: true },
  description: { policy: 'pass', type: text },
  input_schema: { policy: 'pass', type: readSchema, isRequired: true },
  strict: { policy: 'pass', type: bool },
  defer_loading: {
    policy: 'drop',
    why: 'Hides the tool until a block names it; here the model sees all from the start.',
  },
  allowed_callers: IGNORED_OF_ANTHROPIC,
  cache_control: IGNORED_OF_ANTHROPIC,
  eager_input_streaming: IGNORED_OF_ANTHROPIC,
  input_examples: IGNORED_OF_ANTHROPIC,
};

/**
 * Kinds of tools that Anthropic's server or models know by themselves: they carry the date of their version. vLLM wants
 * a schema of every tool, so an agent that lists one of them works only without it.
 */
const SERVER_TOOLS = {
  has: (kind: string) => UNDATED_TOOLS.has(kind) || /^[a-z0-9_]{1,56}_20\d{6}$/.test(kind),
};
const UNDATED_TOOLS: ReadonlySet<string> = new Set(['mcp_toolset', 'tool_search_tool_bm25', 'tool_search_tool_regex']);

const customTool = objectOf(tool, 'Give a tool: an object with name and input_schema.');
const kindCheck = oneOf('custom');
const toolCheck: Check = Object.assign(
  (...[value, context]: Parameters<Check>) => {
    const kind = isJsonObject(value) && Object.hasOwn(value, 'type') ? (value['type'] ?? null) : null;
    const judged = kind === null ? undefined : kindCheck(kind, context);
    return judged === undefined || typeof judged === 'string'
      ? customTool(value, context)
      : (judged as Refusal).within('type');
  },
  { rows: tool },
);

/** Tools of Anthropic's format. Those of the server are left out and said so. */
export const anthropicTools: Check = toolsOf(toolCheck, SERVER_TOOLS);

const choice = (word: string, rows: Members = {}): Check =>
  objectOf(
    {
      type: { policy: 'pass', type: oneOf(word), isRequired: true },
      disable_parallel_tool_use: { policy: 'pass', type: bool },
      ...rows,
    },
    'Give an object with type.',
  );
/** Which tool is to be called. */
export const anthropicChoice: Check = formsOf(
  'type',
  {
    tool: choice('tool', { name: { policy: 'pass', type: shortText(1, 256), isRequired: true } }),
    auto: choice('auto'),
    any: choice('any'),
    none: choice('none'),
  },
  'Give an object such as {"type":"auto"}.',
);
