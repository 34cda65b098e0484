import { countChat, textOfChat, textOfMessage } from './chat.ts';
import { validationError } from './errors.ts';
import { planGeneration, type GenerationFields } from './generation.ts';
import { createFieldReader, type FieldReader } from './lax-fields.ts';
import { isLaxObject, type LaxObject, type LaxValue } from './lax-json.ts';
import { messageEvents } from './message-events.ts';
import type { AnswerContext } from './options.ts';
import { jsonPlan, streamPlan, type AnswerPlan } from './plan.ts';
import { callOf, flatTools, type MadeCall, type ToolWish } from './tool-calls.ts';
import { answerText } from './words.ts';

/** Answers `POST /v1/messages`. */
export function answerMessages(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const messages = fields.requiredList('messages');
  const maxTokens = fields.int('max_tokens');
  if (body['max_tokens'] === undefined) fields.missing('max_tokens');
  const generationFields = readFields(fields, maxTokens);
  if (fields.problems.length > 0) return validationError(fields.problems);

  const chat = chatOf(body['system'], messages);
  const prompt = textOfChat(chat);
  const promptTokens = countChat(chat);
  const generation = planGeneration(generationFields, [prompt], promptTokens, context);
  if ('status' in generation) return anthropicError(generation);

  const call = callOf(
    flatTools(body['tools'], 'input_schema'),
    wishOf(body['tool_choice']),
    lastTextOf(messages),
    context.idSuffix,
  );
  const made = { prompt, promptTokens, generation, call, stopReason: stopReasonOf(generation.finishReason, call) };
  const id = `chatcmpl-${context.idSuffix}`;
  if (generationFields.isStream) return streamPlan(messageEvents(id, made));
  const { model, tokens } = generation;
  return jsonPlan(200, {
    id,
    type: 'message',
    role: 'assistant',
    content:
      call === undefined
        ? [{ type: 'text', text: answerText(prompt, tokens) }]
        : [{ type: 'tool_use', id: call.id, name: call.name, input: JSON.parse(call.pieces.join('')) as LaxValue }],
    model,
    stop_reason: made.stopReason,
    usage: { input_tokens: promptTokens, output_tokens: call?.pieces.length ?? tokens },
  });
}

/** Answers `POST /v1/messages/count_tokens`. */
export function answerCountTokens(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const messages = fields.requiredList('messages');
  const generationFields = readFields(fields, undefined);
  if (fields.problems.length > 0) return validationError(fields.problems);
  const chat = chatOf(body['system'], messages);
  const count = countChat(chat);
  const generation = planGeneration(generationFields, [textOfChat(chat)], count, context);
  if ('status' in generation) return anthropicError(generation);
  return jsonPlan(200, { input_tokens: count, context_management: { original_input_tokens: count } });
}

function readFields(fields: FieldReader, maxTokens: number | bigint | undefined): GenerationFields {
  return {
    model: fields.string('model'),
    maxTokens,
    temperature: fields.float('temperature'),
    topP: fields.float('top_p'),
    presencePenalty: undefined,
    frequencyPenalty: undefined,
    n: 1,
    isStream: fields.bool('stream') ?? false,
    hasStreamOptions: false,
    includeUsage: true,
    continuousUsage: false,
  };
}

/** What a handler refuses is said in Anthropic's form; what the body's model refuses is not. */
function anthropicError(plan: AnswerPlan): AnswerPlan {
  const text = Buffer.isBuffer(plan.body) ? plan.body.toString() : '';
  const { error } = JSON.parse(text) as { error: { type: string; message: string } }; // of our own making
  return jsonPlan(plan.status, { type: 'error', error: { type: error.type, message: error.message } });
}

function stopReasonOf(finishReason: 'length' | 'stop', call: MadeCall | undefined): string {
  if (call !== undefined && !call.isNamed) return 'tool_use';
  return finishReason === 'length' && call === undefined ? 'max_tokens' : 'end_turn';
}

/** The conversation as the chat template gets it. */
function chatOf(system: LaxValue | undefined, messages: readonly LaxValue[]): LaxObject[] {
  const before = system === undefined || system === null ? [] : [{ content: textOfMessage({ content: system }) }];
  return [...before, ...messages.map((message) => ({ content: textOfBlocks(message) }))];
}

/** Text of a message, that of tools' results included. */
function textOfBlocks(message: LaxValue): string {
  const content = isLaxObject(message) ? message['content'] : undefined;
  if (!Array.isArray(content)) return textOfMessage(message);
  return content
    .map((block) => (isLaxObject(block) && block['type'] === 'tool_result' ? textOfMessage(block) : textOfPart(block)))
    .join('\n');
}

const textOfPart = (block: LaxValue): string => textOfMessage({ content: [block] });

function lastTextOf(messages: readonly LaxValue[]): string {
  // Instructions may stand behind it: Claude Code puts reminders there.
  const last = messages.findLast((message) => !isLaxObject(message) || message['role'] !== 'system');
  return isLaxObject(last) && last['role'] === 'user' ? textOfMessage(last) : '';
}

function wishOf(choice: LaxValue | undefined): ToolWish {
  if (!isLaxObject(choice)) return 'auto';
  const { type, name } = choice;
  if (type === 'tool') return { name: typeof name === 'string' ? name : '' };
  if (type === 'any') return 'required';
  return type === 'none' ? 'none' : 'auto';
}
