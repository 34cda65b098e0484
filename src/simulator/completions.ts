import { validationError } from './errors.ts';
import { countPrompts, planGeneration, readGenerationFields } from './generation.ts';
import { createFieldReader } from './lax-fields.ts';
import type { LaxObject, LaxValue } from './lax-json.ts';
import type { AnswerContext } from './options.ts';
import { jsonPlan, streamPlan, type AnswerPlan } from './plan.ts';
import { parsePrompts } from './prompts.ts';
import { refuseSeed } from './seed.ts';
import { streamEvents } from './stream-events.ts';
import { fingerprint, wholeUsage } from './usage.ts';
import { answerText, countWords } from './words.ts';

/** Answers `POST /v1/completions`: every prompt of a list gets its `n` choices. */
export function answerCompletions(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const generationFields = readGenerationFields(fields, fields.int('max_tokens') ?? DEFAULT_MAX_TOKENS);
  const problems = [...fields.problems, ...refuseSeed(body)];
  if (problems.length > 0) return validationError(problems);
  const prompts = parsePrompts(body['prompt']);
  if (prompts === undefined) return validationError([promptProblem(body['prompt'])]);

  const promptTokens = countPrompts(prompts);
  const longest = Math.max(...prompts.map(countWords));
  const generation = planGeneration(generationFields, prompts, longest, context);
  if ('status' in generation) return generation;
  const { n, tokens, finishReason } = generation;
  const base = {
    id: `cmpl-${context.idSuffix}`,
    object: 'text_completion',
    created: context.createdS,
    model: generation.model,
  };
  if (generationFields.isStream) {
    return streamPlan(
      streamEvents(generationFields, generation, {
        base,
        version: context.version,
        prompts,
        promptTokens,
        opening: undefined,
        openingTail: {},
        choice: (index, text, finish_reason) => ({
          index,
          text,
          logprobs: null,
          finish_reason,
          stop_reason: null,
          prompt_token_ids: null,
          token_ids: null,
        }),
      }),
    );
  }
  const choices = prompts.flatMap((prompt, p) =>
    Array.from({ length: n }, (_, i) => ({
      index: p * n + i,
      text: answerText(prompt, tokens, i),
      logprobs: null,
      finish_reason: finishReason,
      stop_reason: null,
      token_ids: null,
      prompt_logprobs: null,
      prompt_token_ids: null,
      routed_experts: null,
    })),
  );
  return jsonPlan(200, {
    ...base,
    choices,
    service_tier: null,
    system_fingerprint: fingerprint(context.version),
    usage: wholeUsage(promptTokens, tokens * choices.length),
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  });
}

function promptProblem(found: LaxValue | undefined) {
  const input = found === undefined ? '<dict>' : typeof found;
  return {
    type: 'value_error',
    loc: 'body',
    msg: 'Value error, Either prompt or prompt_embeds must be provided and non-empty.',
    input,
  };
}

/** What vLLM takes where a completion names no length. */
const DEFAULT_MAX_TOKENS = 16;
