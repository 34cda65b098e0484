import { isJsonObject } from '../../kernel/json.ts';
import { bool, listOf, shortText, text, textOrList, type Most } from './check.ts';
import { Refusal, invalid } from './refusal.ts';
import type { BodyKind, Check, FieldFamily, Members } from './field.ts';
import { CHAT, COMPLETIONS, GENERATE, POOLING, SCORE } from './field.ts';
import { memberPath } from '../../wire/json-path.ts';
import { messageCheck } from './messages.ts';
import { objectOf } from './object.ts';
import { tokenIds } from './sampling.ts';
import { freeForm } from './text-bytes.ts';

const TEMPLATED = [...CHAT, ...POOLING, 'tokenize'] as const satisfies readonly BodyKind[];
const MAX_PROMPT_IDS = 131_072;

/**
 * Texts; token ids could spell control tokens that no check of texts sees, so they need a grant.
 *
 * @param instead how a client that sends ids by itself is made to send texts
 */
function textsOrIds(max: Most, instead: string): Check {
  const texts = textOrList(text, max);
  const ids = tokenIds(MAX_PROMPT_IDS);
  const lists = listOf(ids, max);
  const closed = new Refusal(
    'forbidden_field',
    '',
    `Token ids are closed at the gateway. Send texts${instead}, or ask the operator for the grant fields:token-ids.`,
  );
  return (value, context) => {
    const first = Array.isArray(value) ? value[0] : undefined;
    if (typeof first !== 'number' && !(Array.isArray(first) && typeof first[0] === 'number'))
      return texts(value, context);
    if (!context.grants.has('fields:token-ids')) return closed;
    return (typeof first === 'number' ? ids : lists)(value, context);
  };
}
const promptCheck = textsOrIds('promptList', '');
/** LangChain cuts texts into ids of a tokenizer of OpenAI's, which mean other words to any other model. */
const inputCheck = textsOrIds('inputList', ' (with LangChain: check_embedding_ctx_length=False)');

/** A document for the template: texts by name. */
const documentCheck: Check = (value) => {
  if (!isJsonObject(value)) return invalid('Give an object of texts.');
  for (const name in value) {
    if (typeof value[name] !== 'string') return invalid('Give a text.', memberPath('', name));
  }
  return value;
};

/** Variables of the template that only choose how the model answers. */
const templateVariables: Members = {
  enable_thinking: { policy: 'pass', type: bool },
  thinking: { policy: 'pass', type: bool },
  preserve_thinking: { policy: 'pass', type: bool },
  reasoning_effort: { policy: 'pass', type: shortText(1, 32) },
};
const knownVariables = objectOf(templateVariables, 'Give an object such as {"enable_thinking":false}.');
/** Names of the variables of the template that are open. */
export const OPEN_VARIABLES: readonly string[] = Object.keys(templateVariables);
/** All others are closed: the same bag sets the template itself and arguments of the renderer (CVE-2025-62426). */
const templateCheck: Check = Object.assign(
  (value: Parameters<Check>[0], context: Parameters<Check>[1]) => {
    const checked = knownVariables(value, { ...context, unknownFields: 'deny' });
    if (!(checked instanceof Refusal) || checked.code !== 'unknown_field') return checked;
    return new Refusal(
      'forbidden_field',
      checked.path,
      `This variable is closed. Open are ${OPEN_VARIABLES.join(', ')}.`,
    );
  },
  { rows: templateVariables },
);

/** What the model is asked, and how it is put into the model's own form. */
export const prompt = {
  messages: { on: ['chat'], policy: 'pass', isRequired: true, type: listOf(messageCheck, 'messages') },
  prompt: { on: COMPLETIONS, policy: 'pass', isRequired: true, type: promptCheck },
  input: { on: POOLING, policy: 'pass', isRequired: true, type: inputCheck },
  user: { on: [...GENERATE, ...POOLING, ...SCORE, 'responses'], policy: 'pass', type: shortText(0, 512) },
  documents: { on: ['chat'], policy: 'pass', type: listOf(freeForm(documentCheck), 'documents') },
  chat_template_kwargs: {
    on: [...TEMPLATED, ...SCORE, 'responses', 'messages', 'count-tokens'],
    policy: 'pass',
    type: templateCheck,
  },

  prompt_embeds: { on: COMPLETIONS, policy: 'deny', why: 'Tensors that vLLM loads with torch.load.' },
  echo: { on: GENERATE, policy: 'deny', vllmDefault: false, why: 'Gives back the prompt, with its template.' },
  chat_template: { on: TEMPLATED, policy: 'deny', why: 'A program that the server would run (CVE-2025-61620).' },
  continue_final_message: {
    on: TEMPLATED,
    policy: 'deny',
    vllmDefault: false,
    why: "Puts words into the model's mouth.",
    grant: 'fields:prefill',
    type: bool,
  },
  truncate_prompt_tokens: {
    on: ['chat', 'completions', ...POOLING, ...SCORE],
    policy: 'deny',
    why: 'Tokenises the whole text first in older releases.',
  },
  truncation_side: {
    on: ['chat', 'completions', ...POOLING, ...SCORE],
    policy: 'deny',
    why: 'Belongs to truncate_prompt_tokens.',
  },
  mm_processor_kwargs: {
    on: [...TEMPLATED, ...SCORE, 'responses'],
    policy: 'deny',
    why: 'Grows caches (CVE-2026-114052).',
  },
  media_io_kwargs: { on: [...TEMPLATED, 'responses'], policy: 'deny', why: 'Picks decoders (CVE-2026-105758).' },
} as const satisfies FieldFamily;

/** Fields of the prompt whose default in vLLM depends on the body. */
export const chatPrompt = {
  add_generation_prompt: { on: [...CHAT, 'tokenize'], policy: 'pass', type: bool },
  add_special_tokens: { on: ['chat'], policy: 'deny', vllmDefault: false, why: 'Plays with the form of the prompt.' },
} as const satisfies FieldFamily;

/** As `chatPrompt`, for texts. */
export const textPrompt = {
  add_generation_prompt: {
    on: POOLING,
    policy: 'deny',
    vllmDefault: false,
    why: 'Belongs to messages, which are not open on this route.',
  },
  add_special_tokens: {
    on: [...COMPLETIONS, ...POOLING],
    policy: 'deny',
    vllmDefault: true,
    why: 'Plays with the form of the prompt.',
  },
  messages: { on: POOLING, policy: 'deny', why: 'Only texts are open on this route.', instead: 'input' },
} as const satisfies FieldFamily;
