import { badRequest, validationError } from './errors.ts';
import { chooseModel, countPrompts, refuseLongPrompt } from './generation.ts';
import { textOfMessage } from './chat.ts';
import { createFieldReader } from './lax-fields.ts';
import { isLaxObject, type LaxObject, type LaxValue } from './lax-json.ts';
import type { AnswerContext } from './options.ts';
import { jsonPlan, type AnswerPlan } from './plan.ts';
import { wholeUsage } from './usage.ts';
import { likeness } from './vectors.ts';
import { countWords } from './words.ts';

/** Answers `POST /v1/score`: one text of the first side with each of the second, or pair by pair. */
export function answerScore(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const wanted = fields.string('model');
  const lefts = textsOf(body['queries'] ?? body['text_1'] ?? body['data_1']);
  const rights = textsOf(body['documents'] ?? body['items'] ?? body['text_2'] ?? body['data_2']);
  if (lefts === undefined) fields.missing('queries');
  if (rights === undefined) fields.missing('documents');
  if (lefts === undefined || rights === undefined || fields.problems.length > 0)
    return validationError(fields.problems);
  const model = chooseModel(wanted, context);
  if (typeof model !== 'string') return model;
  if (lefts.length !== 1 && lefts.length !== rights.length)
    return badRequest('Input lengths must be either 1:1, 1:N or N:N');
  const pairs = rights.map((right, i) => [lefts.length === 1 ? (lefts[0] ?? '') : (lefts[i] ?? ''), right] as const);
  const tooLong = refuseTooLong(pairs, context);
  if (tooLong !== undefined) return tooLong;
  return jsonPlan(200, {
    id: `score-${context.idSuffix}`,
    object: 'list',
    created: context.createdS,
    model,
    data: pairs.map(([left, right], index) => ({ index, object: 'score', score: likeness(left, right) })),
    usage: wholeUsage(countPrompts(pairs.flat()), 0),
  });
}

/** Answers `POST /v1/rerank` and `/v2/rerank`. */
export function answerRerank(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const wanted = fields.string('model');
  const topN = Number(fields.int('top_n') ?? 0);
  const [query] = textsOf(body['query']) ?? [];
  const documents = textsOf(body['documents']);
  if (query === undefined) fields.missing('query');
  if (documents === undefined) fields.missing('documents');
  if (query === undefined || documents === undefined || fields.problems.length > 0)
    return validationError(fields.problems);
  const model = chooseModel(wanted, context);
  if (typeof model !== 'string') return model;
  const pairs = documents.map((document) => [query, document] as const);
  const tooLong = refuseTooLong(pairs, context);
  if (tooLong !== undefined) return tooLong;
  const tokens = countPrompts(pairs.flat());
  const results = pairs
    .map(([, text], index) => ({
      index,
      document: { text, multi_modal: null },
      relevance_score: likeness(query, text),
    }))
    .sort((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, topN === 0 ? documents.length : topN);
  return jsonPlan(200, {
    id: `score-${context.idSuffix}`,
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
    results,
  });
}

/** The texts of a side: one text, one object whose parts are texts, or a list of either. */
function textsOf(value: LaxValue | undefined): readonly string[] | undefined {
  if (typeof value === 'string') return [value];
  if (isLaxObject(value) && Array.isArray(value['content'])) return value['content'].map((part) => textOfPart(part));
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const texts = value.map((item) =>
    typeof item === 'string'
      ? item
      : isLaxObject(item) && Array.isArray(item['content'])
        ? textOfMessage(item)
        : undefined,
  );
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

const textOfPart = (part: LaxValue): string => textOfMessage({ content: [part] });

function refuseTooLong(pairs: readonly (readonly [string, string])[], context: AnswerContext): AnswerPlan | undefined {
  const whole = pairs.map((pair) => pair.join(' '));
  return refuseLongPrompt(whole, Math.max(0, ...whole.map(countWords)), context.maxModelLen);
}
