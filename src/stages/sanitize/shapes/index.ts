import type { RouteFamily } from '../../../kernel/exchange.ts';
import { countTokens, messages } from './anthropic.ts';
import { chat, completions, embeddings } from './openai.ts';
import { responses } from './responses.ts';
import type { AnswerShapes } from './shape.ts';

/** What passes of each family's answers. A family without shapes has no answer that could pass. */
export const SHAPES: { readonly [family in RouteFamily]?: AnswerShapes } = {
  chat,
  completions,
  embeddings,
  messages,
  'count-tokens': countTokens,
  responses,
};
