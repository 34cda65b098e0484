import { textOfChat, refuseMessages } from './chat.ts';
import { validationError } from './errors.ts';
import { chooseModel } from './generation.ts';
import { createFieldReader } from './lax-fields.ts';
import type { LaxObject } from './lax-json.ts';
import type { AnswerContext } from './options.ts';
import { jsonPlan, type AnswerPlan } from './plan.ts';

/** Answers `POST /tokenize`: a word is a token. The length of the text is not bounded, as with a real server. */
export function answerTokenize(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const wanted = fields.string('model');
  const prompt = fields.string('prompt');
  const withStrings = fields.bool('return_token_strs') ?? false;
  const messages = Array.isArray(body['messages']) ? body['messages'] : undefined;
  if (prompt === undefined && messages === undefined) fields.missing('prompt');
  const problems = [...fields.problems, ...refuseMessages(messages ?? [])];
  if (problems.length > 0) return validationError(problems);
  const model = chooseModel(wanted, context);
  if (typeof model !== 'string') return model;
  const words = wordsOf(prompt ?? textOfChat(messages ?? []));
  const ids = words.map(idOf);
  // The recorded template: one token at the start, three around each message.
  const tokens = prompt === undefined ? [1, ...(messages ?? []).flatMap(() => [4, 7, 5]), ...ids] : ids;
  return jsonPlan(200, {
    count: tokens.length,
    max_model_len: context.maxModelLen,
    tokens,
    token_strs: withStrings ? words : null,
  });
}

/** Answers `POST /detokenize`. */
export function answerDetokenize(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const wanted = fields.string('model');
  const tokens = fields.requiredList('tokens');
  if (fields.problems.length > 0) return validationError(fields.problems);
  const model = chooseModel(wanted, context);
  if (typeof model !== 'string') return model;
  return jsonPlan(200, { prompt: tokens.map((id) => textOfId(Number(id))).join('') });
}

const wordsOf = (text: string): string[] => text.match(/\S+/g) ?? [];

/** Above the ids of single characters. */
const idOf = (word: string): number => {
  let hash = 0;
  for (let i = 0; i < word.length; i++) hash = (Math.imul(hash, 31) + word.charCodeAt(i)) >>> 0;
  return 128 + (hash % 1000);
};

/** The recorded vocabulary begins with the printable characters of ASCII, from `!` as 8; others are words here. */
const textOfId = (id: number): string => (id < 102 ? String.fromCharCode(id + 25) : ` word${id}`);
