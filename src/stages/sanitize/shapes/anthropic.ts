import { isJsonObject } from '../../../kernel/json.ts';
import { shape, type AnswerShapes, type Shape } from './shape.ts';

/** Cached-token counts tell what the same tenant has sent before: the prefix cache is kept apart by tenant. */
const USAGE = shape('input_tokens output_tokens cache_creation_input_tokens cache_read_input_tokens');
/** Members of all kinds of blocks that a model makes: text, thinking, calls. */
const BLOCK = shape('type text citations thinking signature data id name input');
const MESSAGE = shape('id type role model stop_reason stop_sequence', { content: [BLOCK], usage: USAGE });

/** Messages. */
export const messages: AnswerShapes = {
  body: MESSAGE,
  isAnswer: ({ type, content }) => type === 'message' && Array.isArray(content) && content.every(isJsonObject),
  event: shape(''),
  events: new Map<string, Shape>([
    ['message_start', shape('type', { message: MESSAGE })],
    ['content_block_start', shape('type index', { content_block: BLOCK })],
    ['content_block_delta', shape('type index', { delta: shape('type text partial_json thinking signature') })],
    ['content_block_stop', shape('type index')],
    ['message_delta', shape('type', { delta: shape('stop_reason stop_sequence'), usage: USAGE })],
    ['message_stop', shape('type')],
    ['ping', shape('type')],
  ]),
};

/** The count of a message's tokens. */
export const countTokens: AnswerShapes = {
  body: shape('input_tokens', { context_management: shape('original_input_tokens') }),
  isAnswer: ({ input_tokens: count }) => typeof count === 'number',
  event: shape(''),
};
