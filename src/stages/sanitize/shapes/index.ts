import type { RouteFamily } from '../../../kernel/exchange.ts';
import { countTokens, messages } from './anthropic.ts';
import { cohereEmbed } from './cohere.ts';
import { chat, chatBatch, completions, embeddings } from './openai.ts';
import { classify, pooling } from './pooling.ts';
import { rerank, score } from './score.ts';
import { responses, storedResponse } from './responses.ts';
import type { AnswerShapes } from './shape.ts';
import { detokenize, tokenize } from './tokenize.ts';
import { transcription } from './transcription.ts';

/** What passes of each family's answers. A family without shapes has no answer that could pass. */
export const SHAPES: { readonly [family in RouteFamily]?: AnswerShapes } = {
  chat,
  completions,
  embeddings,
  messages,
  'count-tokens': countTokens,
  responses,
  'stored-response': storedResponse,
  'chat-batch': chatBatch,
  score,
  rerank,
  classify,
  pooling,
  'cohere-embed': cohereEmbed,
  tokenize,
  detokenize,
  transcription,
};
