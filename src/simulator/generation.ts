import { badRequest, badValue, unknownModel } from './errors.ts';
import type { FieldReader } from './lax-fields.ts';
import type { AnswerContext } from './options.ts';
import type { AnswerPlan } from './plan.ts';
import { pythonFloat } from './python-text.ts';
import { countWords } from './words.ts';

/** The fields that chat and completions share, read but not yet judged. */
export interface GenerationFields {
  readonly model: string | undefined;
  readonly maxTokens: number | bigint | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly presencePenalty: number | undefined;
  readonly frequencyPenalty: number | undefined;
  readonly n: number;
  readonly isStream: boolean;
  readonly hasStreamOptions: boolean;
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
}

/** What is to be generated. */
export interface Generation {
  readonly model: string;
  readonly n: number;
  /** Tokens of each choice. */
  readonly tokens: number;
  readonly finishReason: 'length' | 'stop';
}

/** Reads the shared fields. */
export function readGenerationFields(fields: FieldReader, maxTokens: number | bigint | undefined): GenerationFields {
  const streamOptions = fields.object('stream_options');
  return {
    model: fields.string('model'),
    maxTokens,
    temperature: fields.float('temperature'),
    topP: fields.float('top_p'),
    presencePenalty: fields.float('presence_penalty'),
    frequencyPenalty: fields.float('frequency_penalty'),
    n: Number(fields.int('n') ?? 1),
    isStream: fields.bool('stream') ?? false,
    hasStreamOptions: streamOptions !== undefined,
    includeUsage: streamOptions?.['include_usage'] === true,
    continuousUsage: streamOptions?.['continuous_usage_stats'] === true,
  };
}

/** The model's name, or the 404 that lists the valid ones. Missing, null and empty mean the default model. */
export function chooseModel(model: string | undefined, context: AnswerContext): string | AnswerPlan {
  const [first = ''] = context.models;
  if (model === undefined || model === '') return first;
  return context.models.includes(model) ? model : unknownModel(model, context.models);
}

/**
 * Judges the fields in the order in which vLLM does: model, stream options, prompt, length, sampling.
 *
 * @param prompts texts whose words are counted; a list of token ids comes as its length
 * @param promptTokens tokens of the longest prompt
 */
export function planGeneration(
  fields: GenerationFields,
  prompts: readonly string[],
  promptTokens: number,
  context: AnswerContext,
): Generation | AnswerPlan {
  if (fields.hasStreamOptions && !fields.isStream) {
    return badValue('Stream options can only be defined when `stream=True`.', 'stream_options', undefined);
  }
  const model = chooseModel(fields.model, context);
  if (typeof model !== 'string') return model;
  const tooLong = refuseLongPrompt(prompts, promptTokens, context.maxModelLen);
  if (tooLong !== undefined) return tooLong;
  const refusal = refuseLength(fields.maxTokens, promptTokens, context.maxModelLen) ?? refuseSampling(fields);
  if (refusal !== undefined) return refusal;
  const wanted = Math.min(Number(fields.maxTokens ?? Infinity), context.maxModelLen - promptTokens);
  const tokens = Math.min(wanted, context.answerTokens);
  return { model, n: fields.n, tokens, finishReason: wanted <= context.answerTokens ? 'length' : 'stop' };
}

/** Refuses a prompt beyond the context: by its characters before anything is counted, then by its tokens. */
export function refuseLongPrompt(prompts: readonly string[], tokens: number, limit: number): AnswerPlan | undefined {
  const most = limit * LONGEST_VOCABULARY_ENTRY;
  const longest = Math.max(0, ...prompts.map((prompt) => prompt.length));
  const shorten = 'Please reduce the length of the input prompt.';
  const context = `This model's maximum context length is ${limit} tokens. However, your prompt contains`;
  if (longest > most) {
    const why = `(more than ${most} characters, which is the upper bound for ${limit} input tokens)`;
    return badValue(`${context} ${longest} characters ${why}. ${shorten}`, 'input_text', String(longest));
  }
  if (prompts.some((prompt) => !prompt.isWellFormed())) {
    return badRequest('TextEncodeInput must be Union[TextInputSequence, Tuple[InputSequence, InputSequence]]');
  }
  if (tokens <= limit) return undefined;
  const why = 'which exceeds this limit even without any output tokens';
  return badValue(`${context} at least ${limit + 1} input tokens, ${why}. ${shorten}`, 'input_tokens', `${limit + 1}`);
}

/** Words of each prompt, together. */
export function countPrompts(prompts: readonly string[]): number {
  return prompts.reduce((sum, prompt) => sum + countWords(prompt), 0);
}

function refuseLength(maxTokens: number | bigint | undefined, prompt: number, limit: number): AnswerPlan | undefined {
  if (maxTokens === undefined) return undefined;
  if (maxTokens > limit) {
    const message = `max_tokens=${maxTokens} cannot be greater than max_model_len=${limit}. Please request fewer output tokens.`;
    return badValue(message, 'max_tokens', String(maxTokens));
  }
  if (maxTokens < 1) return badValue(`max_tokens must be at least 1, got ${maxTokens}.`, 'max_tokens', `${maxTokens}`);
  const total = prompt + Number(maxTokens);
  if (total <= limit) return undefined;
  const message =
    `This model's maximum context length is ${limit} tokens. However, you requested ${maxTokens} output tokens and ` +
    `your prompt contains ${prompt} input tokens, for a total of ${total} tokens. Please reduce the length of the ` +
    'input prompt or the number of requested output tokens.';
  return badValue(message, 'input_tokens', String(prompt));
}

function refuseSampling(fields: GenerationFields): AnswerPlan | undefined {
  const { n, temperature, topP } = fields;
  if (n < 1) return badRequest(`n must be at least 1, got ${n}.`);
  for (const [name, value] of [
    ['presence_penalty', fields.presencePenalty],
    ['frequency_penalty', fields.frequencyPenalty],
  ] as const) {
    if (value !== undefined && !(value >= -2 && value <= 2)) {
      return badRequest(`${name} must be in [-2, 2], got ${pythonFloat(value)}.`);
    }
  }
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) return refuseTemperature(temperature);
  if (topP !== undefined && !(topP > 0 && topP <= 1)) {
    return badValue(`top_p must be in (0, 1], got ${pythonFloat(topP)}.`, 'top_p', pythonFloat(topP));
  }
  if (temperature === 0 && n > 1) return badRequest(`n must be 1 when using greedy sampling, got ${n}.`);
  return undefined;
}

function refuseTemperature(temperature: number): AnswerPlan {
  const said = pythonFloat(temperature);
  const must = !Number.isFinite(temperature)
    ? 'be a finite number'
    : temperature < 0
      ? 'be non-negative'
      : 'be in [0, 2]';
  return badValue(`temperature must ${must}, got ${said}.`, 'temperature', said);
}

/** Characters of the longest entry in the recorded model's vocabulary. */
const LONGEST_VOCABULARY_ENTRY = 13;
