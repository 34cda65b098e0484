import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';

/** Members that hold what is asked, whatever the route calls it. */
const MEMBERS = ['messages', 'prompt', 'input', 'text', 'query'] as const;
/** A list is followed to its last item, a message to its content: deeper than that nothing is asked. */
const MAX_DEPTH = 5;

/** The last text of what is asked, which is new where the rest is repeated with each turn; undefined where there is none. */
export function lastTextOf(body: JsonObject): string | undefined {
  for (const name of MEMBERS) {
    const value = body[name];
    if (value !== undefined) return lastIn(value, MAX_DEPTH);
  }
  return undefined;
}

function lastIn(value: JsonValue | undefined, depth: number): string | undefined {
  if (typeof value === 'string') return value;
  if (depth === 0) return undefined;
  if (Array.isArray(value)) return lastIn(value.at(-1), depth - 1);
  return isJsonObject(value) ? lastIn(value['content'] ?? value['text'], depth - 1) : undefined;
}
