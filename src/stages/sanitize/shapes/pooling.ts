import { USAGE } from './openai.ts';
import { areNumbers, isListOf, shape, type AnswerShapes } from './shape.ts';

const ENVELOPE = 'id object created model';
const NO_EVENT = shape('');

/** Classes of texts. */
export const classify: AnswerShapes = {
  body: shape(ENVELOPE, { data: [shape('index label probs num_classes')], usage: USAGE }),
  isAnswer: ({ data }) => isListOf(data, ({ probs }) => areNumbers(probs)),
  event: NO_EVENT,
};

/** Raw output of a pooling model: numbers, or base64 of them. */
export const pooling: AnswerShapes = {
  body: shape(ENVELOPE, { data: [shape('index object data')], usage: USAGE }),
  isAnswer: (body) => isListOf(body['data'], ({ data }) => areNumbers(data)),
  event: NO_EVENT,
};
