import { isJsonObject, type JsonObject } from '../../../kernel/json.ts';
import { areNumbers, isListOf, shape, type AnswerShapes } from './shape.ts';

const ENVELOPE = 'id object created model';
/** What was counted. Cached-token counts tell what the same tenant has sent before: the prefix cache is kept apart by tenant. */
export const USAGE = shape('prompt_tokens completion_tokens total_tokens', {
  prompt_tokens_details: shape('cached_tokens audio_tokens'),
  completion_tokens_details: shape(
    'reasoning_tokens audio_tokens accepted_prediction_tokens rejected_prediction_tokens',
  ),
});
const CALL = shape('id index type', { function: shape('name arguments'), custom: shape('name input') });
/** `reasoning` and `reasoning_content` are no fields of OpenAI's, but they are the model's answer, not vLLM's inside. */
const MESSAGE = shape('role content refusal annotations audio function_call reasoning reasoning_content', {
  tool_calls: [CALL],
});
const TOKEN = shape('token logprob bytes', { top_logprobs: [shape('token logprob bytes')] });
const LOGPROBS = shape('', { content: [TOKEN], refusal: [TOKEN] });

const isChat = ({ choices }: JsonObject): boolean => isListOf(choices, ({ message }) => isJsonObject(message));

/** Chat completions. */
export const chat: AnswerShapes = {
  isAnswer: isChat,
  body: shape(ENVELOPE, {
    choices: [shape('index finish_reason', { message: MESSAGE, logprobs: LOGPROBS })],
    usage: USAGE,
  }),
  event: shape(ENVELOPE, {
    choices: [shape('index finish_reason', { delta: MESSAGE, logprobs: LOGPROBS })],
    usage: USAGE,
  }),
};

/** Chats of many conversations, which come in one piece. */
export const chatBatch: AnswerShapes = { body: chat.body, isAnswer: isChat, event: shape('') };

const TEXT_LOGPROBS = shape('text_offset token_logprobs tokens top_logprobs');
const TEXT = shape(ENVELOPE, {
  choices: [shape('index text finish_reason', { logprobs: TEXT_LOGPROBS })],
  usage: USAGE,
});

/** Text completions. */
export const completions: AnswerShapes = {
  body: TEXT,
  isAnswer: ({ choices }) => isListOf(choices, ({ text }) => typeof text === 'string'),
  event: TEXT,
};

/** Embeddings. */
export const embeddings: AnswerShapes = {
  body: shape(ENVELOPE, { data: [shape('index object embedding')], usage: USAGE }),
  isAnswer: ({ data }) => isListOf(data, ({ embedding }) => areNumbers(embedding)),
  event: shape(''),
};
