import type { RouteFamily } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Stage } from '../../kernel/stage.ts';
import { SHAPES } from './shapes/index.ts';
import { keepFields } from './shapes/shape.ts';

/** Lets through only the fields of the OpenAI API: fingerprints, timings, token ids and prompts of vLLM stay inside. */
export function createSanitize(): Stage<'route' | 'request'> {
  return {
    name: 'sanitize',
    adds: [],
    inspect(x) {
      const shape = SHAPES[x.route.family];
      if (shape === undefined) return undefined;
      const { wantsUsage } = x.request;
      return {
        event(event) {
          const value = event.json();
          if (value === undefined) return 'pass';
          // vLLM was always asked for usage, for our own count; who did not ask sees none of it.
          const isUsageEvent = Array.isArray(value['choices']) && value['choices'].length === 0;
          if (isUsageEvent && !wantsUsage) return 'drop';
          const kept = keepFields(value, shape.event);
          if (!wantsUsage) delete kept['usage'];
          event.replace(kept);
          return 'pass';
        },
        body: (value: JsonObject): JsonObject => keepFields(value, shape.body),
      };
    },
  };
}

/** Whether answers of a family are looked at. */
export const isSanitized = (family: RouteFamily): boolean => SHAPES[family] !== undefined;
