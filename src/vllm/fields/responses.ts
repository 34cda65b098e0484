import { bool, int, intUpTo, oneOf, shortText, text } from './check.ts';
import type { BodyKind, Check, FieldFamily, Members } from './field.ts';
import { IGNORED_OF_OPENAI } from './ignored.ts';
import { keptListOf } from './kept-list.ts';
import { formsOf, objectOf } from './object.ts';
import { emptyObjectIsAbsent } from './refine.ts';
import { inputCheck } from './responses-items.ts';
import { responsesChoice, responsesTools } from './responses-tools.ts';
import { compiledSchema } from './tools.ts';

const ON = ['responses'] as const satisfies readonly BodyKind[];
const IGNORED_HERE = { on: ON, ...IGNORED_OF_OPENAI } as const;
const STORED = 'Answers are not stored: vLLM gives one to whoever knows its id, and never forgets it.';

const settings = (rows: Members, hint: string): Check => emptyObjectIsAbsent(objectOf(rows, hint));

const formatCheck = formsOf(
  'type',
  {
    json_schema: objectOf(
      {
        type: { policy: 'pass', type: oneOf('json_schema'), isRequired: true },
        name: { policy: 'pass', type: shortText(1, 256), isRequired: true },
        description: { policy: 'pass', type: shortText(0, 8192) },
        schema: { policy: 'pass', type: compiledSchema, isRequired: true },
        strict: { policy: 'pass', type: bool },
      },
      'Give an object with type, name and schema.',
    ),
    json_object: objectOf(
      { type: { policy: 'pass', type: oneOf('json_object'), isRequired: true } },
      'Give an object with type.',
    ),
    // Text is vLLM's default, and not sent on.
    text: () => undefined,
  },
  'Give an object such as {"type":"json_object"}.',
);

const reasoningMembers: Members = {
  effort: { policy: 'pass', type: oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max') },
  context: IGNORED_OF_OPENAI,
  generate_summary: IGNORED_OF_OPENAI,
  mode: IGNORED_OF_OPENAI,
  summary: IGNORED_OF_OPENAI,
};

const LOGPROBS = 'message.output_text.logprobs';
const includeWord = oneOf(
  'code_interpreter_call.outputs',
  'computer_call_output.output.image_url',
  'file_search_call.results',
  'message.input_image.image_url',
  'reasoning.encrypted_content',
  'web_search_call.action.sources',
  'web_search_call.results',
  LOGPROBS,
);
/** Of what an answer can include, vLLM has only the probabilities; the rest belongs to tools and models of OpenAI. */
const includeItem: Check = (value, context) => {
  const word = includeWord(value, context);
  return typeof word === 'string' && word !== LOGPROBS ? undefined : word;
};

const truncationWord = oneOf('auto', 'disabled');
/** Never sent on: what is too long is refused and not cut, for older releases tokenise all of it first. */
const truncationCheck: Check = (value, context) => {
  const word = truncationWord(value, context);
  return typeof word === 'string' ? undefined : word;
};

/** Bodies of OpenAI's Responses API. */
export const responses = {
  input: { on: ON, policy: 'pass', isRequired: true, type: inputCheck },
  instructions: { on: ON, policy: 'pass', type: text },
  max_output_tokens: { on: ON, policy: 'pass', type: int(1, Number.MAX_SAFE_INTEGER) },
  tools: { on: ON, policy: 'pass', type: responsesTools },
  tool_choice: { on: ON, policy: 'pass', type: responsesChoice },
  parallel_tool_calls: { on: ON, policy: 'pass', type: bool },
  text: {
    on: ON,
    policy: 'pass',
    type: settings(
      { format: { policy: 'pass', type: formatCheck }, verbosity: IGNORED_OF_OPENAI },
      'Give an object such as {"format":{"type":"json_object"}}.',
    ),
  },
  reasoning: { on: ON, policy: 'pass', type: settings(reasoningMembers, 'Give an object such as {"effort":"low"}.') },
  include: { on: ON, policy: 'pass', type: keptListOf(includeItem, 16) },
  top_logprobs: { on: ON, policy: 'pass', type: intUpTo(0, 'topLogprobs') },
  truncation: { on: ON, policy: 'pass', type: truncationCheck },

  store: { on: ON, policy: 'overwrite', why: STORED },
  background: { on: ON, policy: 'deny', vllmDefault: false, why: STORED },
  previous_response_id: { on: ON, policy: 'deny', why: STORED, instead: 'input' },
  conversation: { on: ON, policy: 'deny', why: 'vLLM keeps no conversations.', instead: 'input' },
  prompt: { on: ON, policy: 'deny', why: 'vLLM has no stored prompts.', instead: 'instructions' },
  previous_input_messages: { on: ON, policy: 'deny', why: 'Raw messages, past the checks of the input.' },
  enable_response_messages: { on: ON, policy: 'deny', vllmDefault: false, why: 'Shows the prompt with its template.' },

  max_tool_calls: { on: ON, policy: 'drop', why: 'Counts calls of built-in tools, and none is open.' },
  access_programs: IGNORED_HERE,
  client_metadata: { on: ON, policy: 'drop', why: "Codex's own, in no SDK; vLLM ignores it." },
  context_management: IGNORED_HERE,
  image: IGNORED_HERE,
  moderation: IGNORED_HERE,
  prompt_cache_key: IGNORED_HERE,
  prompt_cache_options: IGNORED_HERE,
  prompt_cache_retention: IGNORED_HERE,
  stream_options: IGNORED_HERE,
} as const satisfies FieldFamily;
