import type { RouteFamily } from '../../kernel/exchange.ts';
import { isJsonObject, type JsonObject } from '../../kernel/json.ts';
import { deny } from '../../kernel/reasons.ts';
import type { Stage, StreamEvent, Verdict } from '../../kernel/stage.ts';
import { SHAPES } from './shapes/index.ts';
import { keepFields, type AnswerShapes, type Shape } from './shapes/shape.ts';

/**
 * Lets through only the fields of the OpenAI and Anthropic APIs: fingerprints, timings, token ids and prompts of vLLM
 * stay inside.
 */
export function createSanitize(): Stage<'route' | 'request'> {
  return {
    name: 'sanitize',
    adds: [],
    inspect(x) {
      const shape = SHAPES[x.route.family];
      if (shape === undefined) return undefined;
      const { wantsUsage, alias } = x.request;
      const { events, isAnswer, complete } = shape;
      return {
        event: (event) =>
          events === undefined ? unnamed(event, shape, wantsUsage, alias) : named(event, events, alias),
        body(value: JsonObject) {
          if (!isAnswer(value)) return deny('upstream_error');
          const kept = keepFields(value, shape.body);
          complete?.(kept);
          showAlias(kept, alias);
          return kept;
        },
      };
    },
  };
}

function unnamed(event: StreamEvent, shape: AnswerShapes, wantsUsage: boolean, alias: string | undefined): Verdict {
  const value = event.json();
  if (value === undefined) return 'pass';
  // These streams have no names: one would be text of upstream's that nobody has looked at, and clients act on it.
  if (event.type !== '') return deny('upstream_error');
  if (!Array.isArray(value['choices'])) return deny('upstream_error');
  // vLLM was always asked for usage, for our own count; who did not ask sees none of it.
  const isUsageEvent = value['choices'].length === 0;
  if (isUsageEvent && !wantsUsage) return 'drop';
  const kept = keepFields(value, shape.event);
  // It is asked for in every event, so that a limit ends an answer where it ends; callers know it of the last one.
  if (!isUsageEvent) delete kept['usage'];
  showAlias(kept, alias);
  event.replace(kept);
  return 'pass';
}

/** One that is not known is dropped: a newer release may say more, and clients pass over what they miss. */
function named(event: StreamEvent, events: NonNullable<AnswerShapes['events']>, alias: string | undefined): Verdict {
  const value = event.json();
  // Some clients go by the name, others by the type: one event must not be two things.
  if (value?.['type'] !== event.type) return deny('upstream_error');
  const shape = events.get(event.type);
  if (shape === 'fault') return deny('upstream_error');
  if (shape === undefined) return 'drop';
  if (ABOUT.some((name) => isObjectIn(shape, name) && !isJsonObject(value[name]))) return deny('upstream_error');
  const kept = keepFields(value, shape);
  showAlias(kept, alias);
  event.replace(kept);
  return 'pass';
}

/** A caller that knows a model by its alias alone is told of no other name. */
function showAlias(kept: JsonObject, alias: string | undefined): void {
  if (alias === undefined) return;
  for (const part of [kept, kept['message'], kept['response']]) {
    if (isJsonObject(part) && typeof part['model'] === 'string') part['model'] = alias;
  }
}

/** Members that hold what a named event is about: without it clients would break. */
const ABOUT = ['message', 'content_block', 'delta', 'response', 'item', 'part'] as const;
const isObjectIn = (shape: Shape, name: string): boolean => shape[name] !== undefined && shape[name] !== 'keep';

/** Whether answers of a family are looked at. */
export const isSanitized = (family: RouteFamily): boolean => SHAPES[family] !== undefined;
