import type { RouteFamily } from '../../kernel/exchange.ts';
import type { Priority } from './fair-queue.ts';

/** Work in bulk, by its routes: nobody reads along. */
const BATCH: ReadonlySet<RouteFamily> = new Set([
  'chat-batch',
  'embeddings',
  'cohere-embed',
  'score',
  'rerank',
  'classify',
  'pooling',
]);

/** Which of a tenant's own requests go first. Between tenants only their weights count, for a caller chooses its route. */
export const priorityOf = (family: RouteFamily): Priority => (BATCH.has(family) ? 'batch' : 'interactive');
