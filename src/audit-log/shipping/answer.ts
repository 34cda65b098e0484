import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';

/** What a destination has answered, if it is a JSON object. */
export function answerObject(body: string): JsonObject | undefined {
  try {
    const value = JSON.parse(body) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
