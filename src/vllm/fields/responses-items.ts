import { isJsonObject } from '../../kernel/json.ts';
import { emptyIsAbsent, listOf, oneOf, shortText, text } from './check.ts';
import { closedForm, closedForms } from './closed-form.ts';
import type { Check, Members } from './field.ts';
import { IGNORED_OF_OPENAI } from './ignored.ts';
import { jsonText } from './json-text.ts';
import { textOrKeptList } from './kept-list.ts';
import { formsOf, objectOf } from './object.ts';
import { refine } from './refine.ts';
import { invalid } from './refusal.ts';
import { functionOutput, responsesContent } from './responses-parts.ts';

const HINT = 'Give an item such as {"role":"user","content":"…"}.';

/**
 * How far an item of the caller's came. vLLM goes on writing at an unfinished last one, which puts words into the
 * model's mouth: without the grant for that, all are finished.
 */
const statusCheck: Check = (value, context) => {
  const status = anyStatus(value, context);
  return typeof status === 'string' && !context.grants.has('fields:prefill') ? 'completed' : status;
};
const anyStatus = oneOf('in_progress', 'completed', 'incomplete');

const item = (word: string, rows: Members): Check =>
  objectOf(
    {
      type: { policy: 'pass', type: oneOf(word) },
      id: { policy: 'pass', type: shortText(1, 256) },
      status: { policy: 'pass', type: statusCheck },
      phase: IGNORED_OF_OPENAI,
      end_turn: IGNORED_OF_OPENAI,
      created_by: IGNORED_OF_OPENAI,
      ...rows,
    },
    HINT,
  );

const message = item('message', {
  role: { policy: 'pass', type: oneOf('user', 'assistant', 'system', 'developer'), isRequired: true },
  content: { policy: 'pass', type: responsesContent, isRequired: true },
});

const callMembers: Members = {
  caller: IGNORED_OF_OPENAI,
  async: IGNORED_OF_OPENAI,
  namespace: { policy: 'deny', why: 'Names a tool that was left out.' },
};
const functionCall = item('function_call', {
  ...callMembers,
  call_id: { policy: 'pass', type: shortText(1, 256), isRequired: true },
  name: { policy: 'pass', type: shortText(1, 256), isRequired: true },
  arguments: { policy: 'pass', type: jsonText, isRequired: true },
});
const functionCallOutput = item('function_call_output', {
  ...callMembers,
  name: IGNORED_OF_OPENAI,
  call_id: { policy: 'pass', type: shortText(1, 256), isRequired: true },
  output: { policy: 'pass', type: functionOutput, isRequired: true },
});

const textOf = (word: string): Check =>
  objectOf(
    {
      type: { policy: 'pass', type: oneOf(word), isRequired: true },
      text: { policy: 'pass', type: text, isRequired: true },
    },
    `Give {"type":"${word}","text":"…"}.`,
  );
const reasoningItem = item('reasoning', {
  summary: { policy: 'pass', type: emptyIsAbsent(listOf(textOf('summary_text'), 256)) },
  content: { policy: 'pass', type: emptyIsAbsent(listOf(textOf('reasoning_text'), 256)) },
  encrypted_content: { policy: 'drop', why: 'Only its author can read it, and vLLM refuses it.' },
});
/** Reasoning before an answer. One that only OpenAI can read says nothing to vLLM, and is left out. */
const reasoning = refine(reasoningItem, (checked) => {
  const { summary, content } = checked;
  return summary === undefined && content === undefined ? undefined : { ...checked, summary: summary ?? [] };
});

const UNRUN = 'Belongs to a tool that vLLM does not run here.';
const closedItems: Readonly<Record<string, Check>> = {
  item_reference: closedForm({ why: 'Names an item that is stored, whoever stored it.', what: 'kind of item' }),
  additional_tools: closedForm({
    why: 'Tools of one item would pass by the checks of all tools.',
    members: 'tools role',
    what: 'kind of item',
  }),
  configuration_update: closedForm({
    why: 'Would change settings past their checks.',
    members: 'reasoning text tools',
    what: 'kind of item',
  }),
  ...closedForms('compaction compaction_trigger', {
    why: 'Only its author can read it.',
    members: 'encrypted_content created_by',
    what: 'kind of item',
  }),
  ...closedForms(
    'computer_call computer_call_output web_search_call file_search_call code_interpreter_call image_generation_call ' +
      'local_shell_call local_shell_call_output shell_call shell_call_output apply_patch_call apply_patch_call_output ' +
      'mcp_list_tools mcp_approval_request mcp_approval_response mcp_call custom_tool_call custom_tool_call_output ' +
      'tool_search_call tool_search_output program program_output',
    {
      why: UNRUN,
      members:
        'acknowledged_safety_checks action actions approval_request_id approve async background caller code ' +
        'container_id environment error execution fingerprint input max_output_length operation output_format outputs ' +
        'pending_safety_checks quality queries reason result results revised_prompt server_label size svg_usage tools',
      what: 'kind of item',
    },
  ),
};

const itemForms = formsOf(
  'type',
  { message, function_call: functionCall, function_call_output: functionCallOutput, reasoning, ...closedItems },
  HINT,
);
/** One item. A message need not name its kind. */
const inputItem: Check = Object.assign(
  (...[value, context]: Parameters<Check>) => {
    if (!isJsonObject(value)) return invalid(HINT);
    const kind = Object.hasOwn(value, 'type') ? value['type'] : null;
    return kind === null && Object.hasOwn(value, 'role') ? message(value, context) : itemForms(value, context);
  },
  { forms: itemForms.forms ?? [] },
);

/** What the model is asked: a text, or items. */
export const inputCheck: Check = textOrKeptList(inputItem, 'messages');
