import { badRequest, validationError } from './errors.ts';
import { chooseModel, countPrompts, refuseLongPrompt } from './generation.ts';
import { createFieldReader } from './lax-fields.ts';
import { isLaxObject, type LaxObject } from './lax-json.ts';
import type { AnswerContext } from './options.ts';
import { jsonPlan, type AnswerPlan } from './plan.ts';
import { parsePrompts } from './prompts.ts';
import { wholeUsage } from './usage.ts';
import { base64Of, embeddingOf, likeness } from './vectors.ts';
import { countWords } from './words.ts';

/** Answers `POST /classify`: the recorded model knows one class. */
export function answerClassify(body: LaxObject, context: AnswerContext): AnswerPlan {
  return pooled(body, context, 'classify', (text, index) => ({
    index,
    label: 'LABEL_0',
    probs: [likeness(text, '')],
    num_classes: 1,
  }));
}

/** Answers `POST /pooling`: of each text a vector. */
export function answerPooling(body: LaxObject, context: AnswerContext): AnswerPlan {
  const isBase64 = body['encoding_format'] === 'base64';
  return pooled(body, context, 'pooling', (text, index) => {
    const vector = embeddingOf(text);
    return { index, object: 'pooling', data: isBase64 ? base64Of(vector) : vector };
  });
}

/** Answers `POST /v2/embed`. The recorded model has no instructions for an `input_type`. */
export function answerCohereEmbed(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const wanted = fields.string('model');
  const inputType = fields.string('input_type');
  if (fields.problems.length > 0) return validationError(fields.problems);
  const model = chooseModel(wanted, context);
  if (typeof model !== 'string') return model;
  if (inputType !== undefined) {
    const why = 'This model does not define any input_type task instructions.';
    return badRequest(`Unsupported input_type '${inputType}'. ${why}`);
  }
  const texts = cohereTexts(body);
  const wantedTypes = Array.isArray(body['embedding_types']) ? body['embedding_types'] : ['float'];
  const types = wantedTypes.filter((type) => typeof type === 'string');
  const vectors = texts.map((text) => embeddingOf(text));
  const forms: Readonly<Record<string, readonly unknown[]>> = {
    float: vectors,
    base64: vectors.map(base64Of),
    binary: vectors.map((vector) => packed(vector, 128)),
    ubinary: vectors.map((vector) => packed(vector, 0)),
  };
  return jsonPlan(200, {
    id: `embd-${context.idSuffix}`,
    embeddings: Object.fromEntries(types.map((type) => [type, forms[type] ?? null])),
    ...(Array.isArray(body['texts']) ? { texts } : {}),
    meta: { api_version: { version: '2' }, billed_units: { input_tokens: countPrompts(texts) } },
    response_type: 'embeddings_by_type',
  });
}

function pooled(
  body: LaxObject,
  context: AnswerContext,
  word: string,
  item: (text: string, index: number) => object,
): AnswerPlan {
  const fields = createFieldReader(body);
  const wanted = fields.string('model');
  const inputs = parsePrompts(body['input']);
  if (inputs === undefined) fields.missing('input');
  if (inputs === undefined || fields.problems.length > 0) return validationError(fields.problems);
  const model = chooseModel(wanted, context);
  if (typeof model !== 'string') return model;
  const tooLong = refuseLongPrompt(inputs, Math.max(...inputs.map(countWords)), context.maxModelLen);
  if (tooLong !== undefined) return tooLong;
  return jsonPlan(200, {
    id: `${word}-${context.idSuffix}`,
    object: 'list',
    created: context.createdS,
    model,
    data: inputs.map(item),
    usage: wholeUsage(countPrompts(inputs), 0),
  });
}

/** Texts of a Cohere body; of an image its URL stands for it. */
function cohereTexts(body: LaxObject): string[] {
  const texts = body['texts'] ?? body['images'];
  if (Array.isArray(texts)) return texts.map(String);
  const inputs = Array.isArray(body['inputs']) ? body['inputs'] : [];
  return inputs.map((input) => JSON.stringify(isLaxObject(input) ? input['content'] : input));
}

/** One bit for each number: whether it is positive. */
function packed(vector: readonly number[], zero: number): number[] {
  const bytes = Array.from({ length: vector.length / 8 }, () => 0);
  vector.forEach((value, i) => {
    if (value > 0) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (128 >> (i & 7));
  });
  return bytes.map((byte) => byte - zero);
}
