import type { JsonValue } from '../../kernel/json.ts';
import { bool, oneOf, shortText, text } from './check.ts';
import { closedForms } from './closed-form.ts';
import type { Check, FieldContext, Members } from './field.ts';
import { IGNORED_OF_OPENAI } from './ignored.ts';
import { formsOf, objectOf } from './object.ts';
import { readSchema, toolsOf } from './tools.ts';

/** Kinds of tools that the server would run, or that are forms of OpenAI's models: left out, so that agents still work. */
const FOREIGN = {
  web_search: 'filters user_location search_context_size search_content_types external_web_access',
  file_search: 'filters max_num_results ranking_options vector_store_ids',
  computer_use_preview: 'display_height display_width environment',
  code_interpreter: 'container',
  image_generation:
    'action background input_fidelity input_image_mask model moderation output_compression output_format ' +
    'partial_images quality size complexity frame_count frame_duration_ms svg',
  mcp:
    'allowed_tools authorization connector_id headers require_approval server_description server_label server_url ' +
    'tunnel_id',
  shell: 'environment',
  custom: 'format',
  namespace: 'tools',
  tool_search: 'execution parameters',
} as const;
const FOREIGN_KINDS = [
  ...Object.keys(FOREIGN),
  'apply_patch',
  'computer',
  'computer_use',
  'local_shell',
  'programmatic_tool_calling',
  'web_search_2025_08_26',
  'web_search_preview',
  'web_search_preview_2025_03_11',
];

const tool: Members = {
  type: { policy: 'pass', type: oneOf('function'), isRequired: true },
  name: { policy: 'pass', type: shortText(1, 256), isRequired: true },
  description: { policy: 'pass', type: text },
  parameters: { policy: 'pass', type: readSchema },
  strict: { policy: 'pass', type: bool },
  defer_loading: {
    policy: 'drop',
    why: 'Hides the tool until it is searched; here the model sees all from the start.',
  },
  allowed_callers: IGNORED_OF_OPENAI,
  async: IGNORED_OF_OPENAI,
  output_schema: IGNORED_OF_OPENAI,
};
const toolForms = formsOf(
  'type',
  {
    function: objectOf(tool, 'Give a tool: an object with type and name.'),
    ...Object.assign(
      {},
      ...Object.entries(FOREIGN).map(([kind, members]) =>
        closedForms(kind, { why: 'vLLM does not run this kind of tool here.', members, what: 'kind of tool' }),
      ),
    ),
  } as Readonly<Record<string, Check>>,
  'Give a tool: an object with type and name.',
);

/** Tools of the Responses API: functions. */
export const responsesTools: Check = toolsOf(toolForms, new Set(FOREIGN_KINDS));

const choiceWord = oneOf('none', 'auto', 'required');
const choiceForms = formsOf(
  'type',
  {
    function: objectOf(
      {
        type: { policy: 'pass', type: oneOf('function'), isRequired: true },
        name: { policy: 'pass', type: shortText(1, 256), isRequired: true },
      },
      'Give an object with type and name.',
    ),
    ...closedForms(['allowed_tools', ...FOREIGN_KINDS].join(' '), {
      why: 'vLLM cannot make this choice.',
      members: 'mode name server_label tools',
      what: 'choice',
    }),
  },
  'Give none, auto, required, or the function to call.',
);
/** Which tool is to be called. */
export const responsesChoice: Check = Object.assign(
  (value: JsonValue, context: FieldContext) =>
    typeof value === 'string' ? choiceWord(value, context) : choiceForms(value, context),
  { forms: choiceForms.forms ?? [] },
);
