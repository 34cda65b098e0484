import { anthropicMessage, systemCheck } from './anthropic-messages.ts';
import { anthropicChoice, anthropicTools } from './anthropic-tools.ts';
import { emptyIsAbsent, int, listOf, oneOf, shortText } from './check.ts';
import type { BodyKind, Check, FieldFamily, Members } from './field.ts';
import { IGNORED_OF_ANTHROPIC } from './ignored.ts';
import { keptListOf } from './kept-list.ts';
import { formsOf, objectOf } from './object.ts';
import { emptyObjectIsAbsent } from './refine.ts';
import { compiledSchema } from './tools.ts';

const MESSAGES = ['messages'] as const satisfies readonly BodyKind[];
const BOTH = ['messages', 'count-tokens'] as const satisfies readonly BodyKind[];

const IGNORED_ON_BOTH = { on: BOTH, ...IGNORED_OF_ANTHROPIC } as const;

/** A stop string is compared with the text after each token, so it has to stay short. */
const MAX_STOP_CHARS = 1024;
const MIN_BUDGET_TOKENS = 1024;

const thinkingForm = (word: string, rows: Members = {}): Check =>
  objectOf(
    { type: { policy: 'pass', type: oneOf(word), isRequired: true }, block_binding: IGNORED_OF_ANTHROPIC, ...rows },
    'Give an object with type.',
  );
const display: Members = { display: { policy: 'pass', type: oneOf('summarized', 'omitted', 'updates') } };
const thinkingCheck: Check = formsOf(
  'type',
  {
    // Releases that let the budget act on other requests (0.21 to 0.27) do not read this field.
    enabled: thinkingForm('enabled', {
      ...display,
      budget_tokens: { policy: 'pass', type: int(MIN_BUDGET_TOKENS, Number.MAX_SAFE_INTEGER), isRequired: true },
    }),
    adaptive: thinkingForm('adaptive', display),
    disabled: thinkingForm('disabled'),
    // A wish that vLLM does not know; how it thinks by itself comes nearest.
    between_tools: Object.assign(() => undefined, { rows: { type: IGNORED_OF_ANTHROPIC } satisfies Members }),
  },
  'Give an object such as {"type":"enabled","budget_tokens":4096}.',
);

const formatMembers: Members = {
  type: { policy: 'pass', type: oneOf('json_schema'), isRequired: true },
  schema: { policy: 'pass', type: compiledSchema, isRequired: true },
};
const configMembers: Members = {
  effort: { policy: 'pass', type: oneOf('low', 'medium', 'high', 'xhigh', 'max') },
  format: { policy: 'pass', type: objectOf(formatMembers, 'Give an object with type and schema.') },
  task_budget: IGNORED_OF_ANTHROPIC,
};
const configCheck = emptyObjectIsAbsent(objectOf(configMembers, 'Give an object such as {"effort":"low"}.'));

/** Bodies of Anthropic's format. */
export const anthropic = {
  messages: { on: BOTH, policy: 'pass', isRequired: true, type: keptListOf(anthropicMessage, 'messages') },
  system: { on: BOTH, policy: 'pass', type: systemCheck },
  max_tokens: { on: MESSAGES, policy: 'pass', isRequired: true, type: int(1, Number.MAX_SAFE_INTEGER) },
  stop_sequences: {
    on: MESSAGES,
    policy: 'pass',
    type: emptyIsAbsent(listOf(shortText(1, MAX_STOP_CHARS), 'stop')),
  },
  tools: { on: BOTH, policy: 'pass', type: anthropicTools },
  tool_choice: { on: BOTH, policy: 'pass', type: anthropicChoice },
  thinking: { on: BOTH, policy: 'pass', type: thinkingCheck },
  output_config: { on: BOTH, policy: 'pass', type: configCheck },

  output_format: {
    on: BOTH,
    policy: 'deny',
    why: 'An old name that vLLM does not read: the constraint would be dropped without a word.',
    instead: 'output_config.format',
  },
  thread: {
    on: BOTH,
    policy: 'deny',
    why: 'vLLM keeps no conversations: it would answer without what was said before.',
    instead: 'messages',
  },

  betas: IGNORED_ON_BOTH,
  billing_policy: IGNORED_ON_BOTH,
  cache_control: IGNORED_ON_BOTH,
  compaction: IGNORED_ON_BOTH,
  container: IGNORED_ON_BOTH,
  context_management: IGNORED_ON_BOTH,
  diagnostics: IGNORED_ON_BOTH,
  fallback_credit_token: IGNORED_ON_BOTH,
  fallbacks: IGNORED_ON_BOTH,
  inference_geo: IGNORED_ON_BOTH,
  mcp_servers: IGNORED_ON_BOTH,
  metadata: IGNORED_ON_BOTH,
  service_tier: IGNORED_ON_BOTH,
  speed: IGNORED_ON_BOTH,
  user_profile_id: IGNORED_ON_BOTH,
  workspace_id: IGNORED_ON_BOTH,
} as const satisfies FieldFamily;
