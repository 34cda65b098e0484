import { USAGE } from './openai.ts';
import { shape, type AnswerShapes } from './shape.ts';

const NO_EVENT = shape('');

/** Scores of pairs. */
export const score: AnswerShapes = {
  body: shape('id object created model', { data: shape('index object score'), usage: USAGE }),
  event: NO_EVENT,
};

/** Documents in the order of a query. Of a document only its text comes back: its media would double the answer. */
export const rerank: AnswerShapes = {
  body: shape('id model', {
    results: shape('index relevance_score', { document: shape('text') }),
    usage: USAGE,
  }),
  event: NO_EVENT,
};
