import { shape, type AnswerShapes } from './shape.ts';

const NO_EVENT = shape('');

/** Tokens of a text, with the length of context that the list of models tells as well. */
export const tokenize: AnswerShapes = {
  body: shape('count max_model_len tokens'),
  isAnswer: ({ tokens }) => Array.isArray(tokens),
  event: NO_EVENT,
};

/** The text of tokens. */
export const detokenize: AnswerShapes = {
  body: shape('prompt'),
  isAnswer: ({ prompt }) => typeof prompt === 'string',
  event: NO_EVENT,
};
