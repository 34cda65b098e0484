import { countChat, textOfChat, textOfMessage } from './chat.ts';
import { badValue, noResponseStore, unknownResponse, validationError } from './errors.ts';
import { planGeneration } from './generation.ts';
import { createFieldReader } from './lax-fields.ts';
import { isLaxObject, type LaxObject, type LaxValue } from './lax-json.ts';
import type { AnswerContext } from './options.ts';
import { jsonPlan, streamPlan, type AnswerPlan } from './plan.ts';
import { responseEvents } from './response-events.ts';
import type { KeptResponse, ResponseStore } from './response-store.ts';
import { pythonInput } from './python-text.ts';
import { callOf, exampleText, flatTools, type ToolWish } from './tool-calls.ts';
import { answerText } from './words.ts';

/** Answers `POST /v1/responses`. */
export function answerResponses(body: LaxObject, context: AnswerContext, store: ResponseStore): AnswerPlan {
  const fields = createFieldReader(body);
  const generationFields = {
    model: fields.string('model'),
    maxTokens: fields.int('max_output_tokens'),
    temperature: fields.float('temperature'),
    topP: fields.float('top_p'),
    presencePenalty: fields.float('presence_penalty'),
    frequencyPenalty: fields.float('frequency_penalty'),
    n: 1,
    isStream: fields.bool('stream') ?? false,
    hasStreamOptions: false,
    includeUsage: true,
    continuousUsage: false,
  };
  const isBackground = fields.bool('background') ?? false;
  const isStored = (fields.bool('store') ?? true) && context.responseStore;
  const previous = fields.string('previous_response_id');
  const { input } = body;
  if (input === undefined) fields.missing('input');
  const problems = [...fields.problems];
  if (input !== undefined && typeof input !== 'string' && !Array.isArray(input)) {
    problems.push({
      type: 'string_type',
      loc: 'body.input',
      msg: 'Input should be a valid string',
      input: pythonInput(input),
    });
  }
  if (problems.length > 0) return validationError(problems);
  if (isBackground && body['store'] === false) {
    return badValue('background can only be used when `store` is true', 'background', undefined);
  }
  if (isBackground && !isStored) return noResponseStore();
  const before = previous === undefined ? undefined : store.turn(previous);
  if (previous !== undefined && before === undefined) return unknownResponse(previous);

  const items = Array.isArray(input) ? input : [{ role: 'user', content: input ?? '' }];
  const instructions = typeof body['instructions'] === 'string' ? [body['instructions']] : [];
  const texts = [...(before?.texts ?? []), ...instructions, ...items.map(textOfItem)];
  const chat = texts.map((content) => ({ content }));
  const prompt = textOfChat(chat);
  const promptTokens = countChat(chat);
  const generation = planGeneration(generationFields, [prompt], promptTokens, context);
  if ('status' in generation) return generation;

  const { idSuffix } = context;
  const call = callOf(flatTools(body['tools'], 'parameters'), wishOf(body['tool_choice']), lastTextOf(items), idSuffix);
  const pieces = call === undefined ? piecesOf(body['text']) : undefined;
  const outputTokens = (call?.pieces ?? pieces)?.length ?? generation.tokens;
  const isCut = call === undefined && pieces === undefined && generation.finishReason === 'length';
  const words = pieces?.join('') ?? answerText(prompt, generation.tokens);
  const item =
    call === undefined
      ? messageItem(`msg_${idSuffix}`, words)
      : callItem(`fc_${idSuffix}`, call.id, call.name, call.pieces.join(''));
  const response = (status: string, output: readonly object[], usage: object | null): KeptResponse => ({
    id: `resp_${idSuffix}`,
    created_at: context.createdS,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: body['instructions'] ?? null,
    metadata: body['metadata'] ?? null,
    model: generation.model,
    object: 'response',
    output,
    parallel_tool_calls: body['parallel_tool_calls'] ?? true,
    temperature: generationFields.temperature ?? 1,
    tool_choice: Array.isArray(body['tools']) ? (body['tool_choice'] ?? 'auto') : 'none',
    tools: body['tools'] ?? [],
    top_p: generationFields.topP ?? 1,
    background: isBackground,
    max_output_tokens:
      generationFields.maxTokens === undefined ? generation.tokens : Number(generationFields.maxTokens),
    max_tool_calls: null,
    previous_response_id: previous ?? null,
    prompt: null,
    reasoning: body['reasoning'] ?? null,
    service_tier: 'auto',
    status,
    text: body['text'] ?? null,
    top_logprobs: null,
    truncation: 'disabled',
    usage,
    user: body['user'] ?? null,
    presence_penalty: generationFields.presencePenalty ?? 0,
    frequency_penalty: generationFields.frequencyPenalty ?? 0,
    kv_transfer_params: null,
    ec_transfer_params: null,
    input_messages: null,
    output_messages: null,
  });
  const begun = response('in_progress', [], null);
  const whole = response(isCut ? 'incomplete' : 'completed', [item], usageOf(promptTokens, outputTokens));
  const turn = { texts: [...texts, call === undefined ? words : call.pieces.join('')] };
  const queued = response('queued', [], null);
  if (isBackground) store.keep(whole, turn, queued);
  const { isStream } = generationFields;
  if (!isStream && isStored && !isBackground) store.keep(whole, turn);
  if (!isStream) return jsonPlan(200, isBackground ? queued : whole);
  const made = { begun, whole, item, prompt, tokens: generation.tokens, call, pieces };
  const onEnd = (): void => {
    if (isStored) store.keep(whole, turn);
  };
  return streamPlan(responseEvents(made, onEnd));
}

/** A message of the model's. */
export function messageItem(id: string, text: string): object {
  return {
    id,
    content: [{ annotations: [], text, type: 'output_text', logprobs: null }],
    role: 'assistant',
    status: 'completed',
    type: 'message',
    phase: null,
  };
}

/** A call of the model's. */
export function callItem(id: string, callId: string, name: string, text: string): object {
  return { arguments: text, call_id: callId, name, type: 'function_call', id, namespace: null, status: 'completed' };
}

function usageOf(input: number, output: number): object {
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: 0,
      cache_write_tokens: 0,
      input_tokens_per_turn: [],
      cached_tokens_per_turn: [],
    },
    output_tokens: output,
    output_tokens_details: {
      reasoning_tokens: 0,
      tool_output_tokens: 0,
      output_tokens_per_turn: [],
      tool_output_tokens_per_turn: [],
    },
    total_tokens: input + output,
  };
}

/** JSON that fits, where the request demands it. */
function piecesOf(text: LaxValue | undefined): readonly string[] | undefined {
  const format = isLaxObject(text) ? text['format'] : undefined;
  if (!isLaxObject(format)) return undefined;
  const schema =
    format['type'] === 'json_schema'
      ? format['schema']
      : format['type'] === 'json_object'
        ? { type: 'object' }
        : undefined;
  return schema === undefined ? undefined : (exampleText(schema).match(/.{1,8}/gsu) ?? []);
}

function textOfItem(item: LaxValue): string {
  if (!isLaxObject(item)) return '';
  return typeof item['output'] === 'string' ? item['output'] : textOfMessage(item);
}

function lastTextOf(items: readonly LaxValue[]): string {
  const last = items.at(-1);
  return isLaxObject(last) && last['role'] === 'user' ? textOfMessage(last) : '';
}

function wishOf(choice: LaxValue | undefined): ToolWish {
  if (isLaxObject(choice)) return { name: typeof choice['name'] === 'string' ? choice['name'] : '' };
  return choice === 'required' || choice === 'none' ? choice : 'auto';
}
