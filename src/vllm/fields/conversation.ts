import type { RouteFamily } from '../../kernel/exchange.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';

/** Characters of it that are looked at: enough to tell conversations apart, few beside the parsing of a body. */
const MOST = 4096;

/**
 * The beginning of the conversation that a checked body goes on with: the same in each of its turns, for a caller sends
 * all of it each time. What was said up to the first words of the user, or the beginning of a bare prompt. Undefined
 * where a route has no conversations.
 */
export function beginningOf(family: RouteFamily, body: JsonObject): string | undefined {
  switch (family) {
    case 'chat':
      return opening([], body['messages']);
    case 'messages':
      return opening([body['system']], body['messages']);
    case 'responses':
      return opening([body['instructions']], body['input']);
    case 'completions':
      return opening([], body['prompt']);
    default:
      return undefined;
  }
}

function opening(before: readonly (JsonValue | undefined)[], turns: JsonValue | undefined): string {
  let text = '';
  for (const value of before) text = collect(text, value);
  if (!Array.isArray(turns)) return collect(text, turns);
  for (const turn of turns) {
    text = collect(text, turn);
    if (text.length >= MOST || (isJsonObject(turn) && turn['role'] === 'user')) break;
  }
  return text;
}

/** Adds the texts of a value, each behind a separator that no text can hold (U+0000 is refused in bodies). */
function collect(text: string, value: JsonValue | undefined): string {
  if (text.length >= MOST) return text;
  if (typeof value === 'string' || typeof value === 'number') return `${text}\0${value}`.slice(0, MOST);
  if (typeof value !== 'object' || value === null) return text;
  let all = text;
  if (Array.isArray(value)) for (const item of value) all = collect(all, item);
  else for (const name in value) all = collect(all, value[name]);
  return all;
}
