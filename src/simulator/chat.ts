import { finishOf, formedEvents, formOf, lengthOf, messageOf } from './chat-forms.ts';
import { badValue, validationError, type ValidationProblem } from './errors.ts';
import { countPrompts, planGeneration, readGenerationFields } from './generation.ts';
import { createFieldReader } from './lax-fields.ts';
import { isLaxObject, type LaxObject, type LaxValue } from './lax-json.ts';
import type { AnswerContext } from './options.ts';
import { jsonPlan, streamPlan, type AnswerPlan } from './plan.ts';
import { pythonInput } from './python-text.ts';
import { refuseSeed } from './seed.ts';
import { streamEvents } from './stream-events.ts';
import { fingerprint, wholeUsage } from './usage.ts';
import { answerText } from './words.ts';

/** Answers `POST /v1/chat/completions`. */
export function answerChat(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const messages = fields.requiredList('messages');
  const maxTokens = fields.int('max_tokens');
  // As recorded: the newer name wins where both are given.
  const generationFields = readGenerationFields(fields, fields.int('max_completion_tokens') ?? maxTokens);
  const problems = [...fields.problems, ...refuseMessages(messages), ...refuseSeed(body)];
  if (problems.length > 0) return validationError(problems);
  if (body['tool_choice'] === 'required' && body['tools'] === undefined) {
    return badValue('When using `tool_choice`, `tools` must be set.', 'tool_choice', undefined);
  }

  const prompt = textOfChat(messages);
  const promptTokens = countChat(messages);
  const generation = planGeneration(generationFields, [prompt], promptTokens, context);
  if ('status' in generation) return generation;

  const base = {
    id: `chatcmpl-${context.idSuffix}`,
    object: generationFields.isStream ? 'chat.completion.chunk' : 'chat.completion',
    created: context.createdS,
    model: generation.model,
  };
  // What nobody says for some tokens only: a choice alone, and whole.
  const form = generation.n === 1 ? formOf(body, lastTextOf(messages), context.idSuffix) : undefined;
  if (form !== undefined) {
    const { version } = context;
    const { includeUsage } = generationFields;
    if (generationFields.isStream) return streamPlan(formedEvents(form, base, { version, promptTokens, includeUsage }));
    const choice = chatChoice(0, messageOf(form), finishOf(form));
    return chatAnswer(base, [choice], wholeUsage(promptTokens, lengthOf(form)), version);
  }
  if (!generationFields.isStream) {
    const { n, tokens, finishReason } = generation;
    const choices = Array.from({ length: n }, (_, i) =>
      chatChoice(i, { content: answerText(prompt, tokens, i) }, finishReason),
    );
    return chatAnswer(base, choices, wholeUsage(promptTokens, tokens * n), context.version);
  }
  return streamPlan(
    streamEvents(generationFields, generation, {
      base,
      version: context.version,
      prompts: [prompt],
      promptTokens,
      opening: (index) => ({
        index,
        delta: { role: 'assistant', content: '' },
        logprobs: null,
        finish_reason: null,
      }),
      openingTail: { prompt_token_ids: null, prompt_text: null },
      choice: (index, content, finish_reason) => ({
        index,
        delta: { content },
        logprobs: null,
        finish_reason,
        ...(finish_reason === null ? {} : { stop_reason: null }),
        token_ids: null,
      }),
    }),
  );
}

/** What the caller said last; empty where that was no message of the user, such as a tool's result. */
function lastTextOf(messages: readonly LaxValue[]): string {
  const last = messages.at(-1);
  return isLaxObject(last) && last['role'] === 'user' ? textOfMessage(last) : '';
}

/** The text of a chat request that its answer depends on. */
export function textOfMessage(message: LaxValue): string {
  const content = isLaxObject(message) ? message['content'] : undefined;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (isLaxObject(part) && typeof part['text'] === 'string' ? part['text'] : '')).join('\n');
}

/** One choice of an answer in one piece. */
export function chatChoice(index: number, message: object, finishReason: string): object {
  return {
    index,
    message: {
      role: 'assistant',
      content: '',
      refusal: null,
      annotations: null,
      audio: null,
      function_call: null,
      reasoning: null,
      ...message,
    },
    logprobs: null,
    finish_reason: finishReason,
    stop_reason: null,
    token_ids: null,
    routed_experts: null,
  };
}

/** An answer in one piece. */
export function chatAnswer(base: object, choices: readonly object[], usage: object, version: string): AnswerPlan {
  return jsonPlan(200, {
    ...base,
    choices,
    service_tier: null,
    system_fingerprint: fingerprint(version),
    usage,
    prompt_logprobs: null,
    prompt_token_ids: null,
    prompt_text: null,
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  });
}

/** Tokens of a conversation: those of its text and those that the recorded chat template adds. */
export function countChat(messages: readonly LaxValue[]): number {
  return countPrompts([textOfChat(messages)]) + TEMPLATE_START + TEMPLATE_PER_MESSAGE * messages.length;
}

/** The text of a conversation. */
export function textOfChat(messages: readonly LaxValue[]): string {
  return messages.map(textOfMessage).join('\n');
}

/** What is wrong with the messages of a conversation. */
export function refuseMessages(messages: readonly LaxValue[], at = 'body.messages'): ValidationProblem[] {
  return messages.flatMap((message, i) => {
    const input = pythonInput(message);
    const loc = `${at}.${i}`;
    if (!isLaxObject(message)) return [{ type: 'dict_type', loc, msg: 'Input should be a valid dictionary', input }];
    if (typeof message['role'] === 'string') return [];
    return [{ type: 'missing', loc: `${loc}.role`, msg: 'Field required', input }];
  });
}

/** Tokens that the recorded chat template adds: one at the beginning, three around each message. */
const TEMPLATE_START = 1;
const TEMPLATE_PER_MESSAGE = 3;
