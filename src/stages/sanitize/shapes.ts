import type { RouteFamily } from '../../kernel/exchange.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';

/** Fields that may pass: `keep` whole, or with a shape of their own. An array takes the shape for each of its items. */
export interface Shape {
  readonly [field: string]: 'keep' | Shape;
}

/** A copy of the value with the fields of the shape only. Never changes the value. */
export function keepFields(value: JsonObject, shape: Shape): JsonObject {
  const kept: JsonObject = {};
  for (const name in value) {
    const rule = shape[name];
    if (rule === undefined) continue;
    const field = value[name];
    if (field === undefined) continue;
    kept[name] = rule === 'keep' ? field : keepInside(field, rule);
  }
  return kept;
}

function keepInside(value: JsonValue, shape: Shape): JsonValue {
  if (Array.isArray(value)) return value.map((item) => keepInside(item, shape));
  if (typeof value === 'object' && value !== null) return keepFields(value, shape);
  return value;
}

const shape = (keep: string, inside: { [field: string]: Shape } = {}): Shape =>
  // Without a prototype: a field named `constructor` must find nothing.
  Object.assign(
    Object.create(null) as Shape,
    Object.fromEntries(keep.split(' ').map((name) => [name, 'keep'])),
    inside,
  );

const ENVELOPE = 'id object created model';
/** Cached-token counts tell what other callers have sent: they go while the cache is not salted by tenant. */
const USAGE = shape('prompt_tokens completion_tokens total_tokens', {
  completion_tokens_details: shape(
    'reasoning_tokens audio_tokens accepted_prediction_tokens rejected_prediction_tokens',
  ),
});
const CALL = shape('id index type', { function: shape('name arguments'), custom: shape('name input') });
/** `reasoning` and `reasoning_content` are no fields of OpenAI's, but they are the model's answer, not vLLM's inside. */
const MESSAGE = shape('role content refusal annotations audio function_call reasoning reasoning_content', {
  tool_calls: CALL,
});
const TOKEN = shape('token logprob bytes', { top_logprobs: shape('token logprob bytes') });
const LOGPROBS = shape('', { content: TOKEN, refusal: TOKEN });

/** What passes of each family's answers: whole bodies, and events of streams. */
export const SHAPES: { readonly [family in RouteFamily]?: { readonly body: Shape; readonly event: Shape } } = {
  chat: {
    body: shape(ENVELOPE, {
      choices: shape('index finish_reason', { message: MESSAGE, logprobs: LOGPROBS }),
      usage: USAGE,
    }),
    event: shape(ENVELOPE, {
      choices: shape('index finish_reason', { delta: MESSAGE, logprobs: LOGPROBS }),
      usage: USAGE,
    }),
  },
  completions: {
    body: shape(ENVELOPE, { choices: shape('index text finish_reason logprobs'), usage: USAGE }),
    event: shape(ENVELOPE, { choices: shape('index text finish_reason logprobs'), usage: USAGE }),
  },
  embeddings: {
    body: shape(ENVELOPE, { data: shape('index object embedding'), usage: USAGE }),
    event: shape(''),
  },
};
