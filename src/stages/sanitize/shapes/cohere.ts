import { isJsonObject } from '../../../kernel/json.ts';
import { shape, type AnswerShapes } from './shape.ts';

/** Embeddings in the format of Cohere's second API. */
export const cohereEmbed: AnswerShapes = {
  body: shape('id texts response_type', {
    embeddings: shape('float int8 uint8 binary ubinary base64'),
    meta: shape('', {
      api_version: shape('version'),
      billed_units: shape('input_tokens image_tokens images output_tokens search_units classifications'),
    }),
  }),
  isAnswer: ({ embeddings }) => isJsonObject(embeddings) && Object.values(embeddings).some(Array.isArray),
  event: shape(''),
};
