import type { Has } from '../kernel/exchange.ts';
import type { JsonObject } from '../kernel/json.ts';

/** The answer to a request that vLLM answers with a bare text: that the adapter is loaded. Undefined for all others. */
export function ownAnswer({ route, model }: Has<'route' | 'model'>): JsonObject | undefined {
  return route.family === 'load-lora' ? { id: model, object: 'lora_adapter', loaded: true } : undefined;
}
