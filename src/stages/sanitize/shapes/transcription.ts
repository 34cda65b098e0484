import { USAGE } from './openai.ts';
import { shape, type AnswerShapes } from './shape.ts';

const SEGMENT = shape('id seek start end text tokens temperature avg_logprob compression_ratio no_speech_prob');

/** Speech to text. An answer in one piece counts seconds, the end of a stream tokens. */
export const transcription: AnswerShapes = {
  isAnswer: ({ text }) => typeof text === 'string',
  body: shape('text language duration task', {
    segments: [SEGMENT],
    words: [shape('word start end')],
    usage: shape('type seconds'),
  }),
  event: shape('id object created model', {
    choices: [shape('index finish_reason', { delta: shape('role content') })],
    usage: USAGE,
  }),
};
