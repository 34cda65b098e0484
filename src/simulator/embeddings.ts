import { badRequest, validationError } from './errors.ts';
import { chooseModel, countPrompts, refuseLongPrompt } from './generation.ts';
import { createFieldReader } from './lax-fields.ts';
import type { LaxObject } from './lax-json.ts';
import type { AnswerContext } from './options.ts';
import { jsonPlan, type AnswerPlan } from './plan.ts';
import { parsePrompts } from './prompts.ts';
import { pythonInput } from './python-text.ts';
import { wholeUsage } from './usage.ts';
import { base64Of, embeddingOf } from './vectors.ts';
import { countWords } from './words.ts';

/** Answers `POST /v1/embeddings`. The vectors are as long as the recorded ones and say nothing. */
export function answerEmbeddings(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const wanted = fields.string('model');
  const format = fields.string('encoding_format') ?? 'float';
  const dimensions = fields.int('dimensions');
  const inputs = parsePrompts(body['input']);
  if (body['input'] === undefined) fields.missing('input');
  if (fields.problems.length > 0 || inputs === undefined || !FORMATS.has(format)) {
    const input = pythonInput(inputs === undefined ? body['input'] : format);
    const loc = inputs === undefined ? 'body.input' : 'body.encoding_format';
    const [problem] = fields.problems;
    return validationError([problem ?? { type: 'literal_error', loc, msg: 'Input should be valid', input }]);
  }
  const model = chooseModel(wanted, context);
  if (typeof model !== 'string') return model;
  if (dimensions !== undefined) {
    const why = `does not support Matryoshka embeddings; dimensions must be unset (received dimensions=${dimensions})`;
    return badRequest(`Model '${model}' ${why}.`);
  }
  const tooLong = refuseLongPrompt(inputs, Math.max(...inputs.map(countWords)), context.maxModelLen);
  if (tooLong !== undefined) return tooLong;

  const data = inputs.map((input, index) => {
    const vector = embeddingOf(input);
    const embedding = format === 'base64' ? base64Of(vector) : vector;
    return { index, object: 'embedding', embedding };
  });
  return jsonPlan(200, {
    id: `embd-${context.idSuffix}`,
    object: 'list',
    created: context.createdS,
    model,
    data,
    usage: wholeUsage(countPrompts(inputs), 0),
  });
}

const FORMATS = new Set(['float', 'base64']);
