import { USAGE } from './openai.ts';
import { isListOf, shape, type AnswerShapes } from './shape.ts';

const isNumber = (value: unknown): boolean => typeof value === 'number';
const NO_EVENT = shape('');

/** Scores of pairs. */
export const score: AnswerShapes = {
  body: shape('id object created model', { data: [shape('index object score')], usage: USAGE }),
  isAnswer: ({ data }) => isListOf(data, (item) => isNumber(item['score'])),
  event: NO_EVENT,
};

/** Documents in the order of a query. Of a document only its text comes back: its media would double the answer. */
export const rerank: AnswerShapes = {
  body: shape('id model', {
    results: [shape('index relevance_score', { document: shape('text') })],
    usage: USAGE,
  }),
  isAnswer: ({ results }) =>
    isListOf(results, ({ index, relevance_score: score }) => isNumber(index) && isNumber(score)),
  event: NO_EVENT,
};
