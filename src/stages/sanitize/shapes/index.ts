import type { RouteFamily } from '../../../kernel/exchange.ts';
import { chat, completions, embeddings } from './openai.ts';
import type { AnswerShapes } from './shape.ts';

/** What passes of each family's answers. A family without shapes has no answer that could pass. */
export const SHAPES: { readonly [family in RouteFamily]?: AnswerShapes } = {
  chat,
  completions,
  embeddings,
};
