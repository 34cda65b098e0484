import type { MediaPlace, RemoteMedium } from '../../kernel/exchange.ts';
import { isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { keepPlaces } from '../../vllm/fields/kept-places.ts';

/** A medium and the `data:` URL that it has become. */
export interface FetchedMedium {
  readonly medium: RemoteMedium;
  readonly url: string;
}

/**
 * A copy of a body with media in their places; what does not lead to one is shared with the body.
 *
 * @throws Error where a place is not there: a fault of ours, and a body that must not be sent
 */
export function withMedia(body: JsonObject, fetched: readonly FetchedMedium[]): JsonObject {
  const copies = new Set<JsonValue>();
  const own: Own = (value) => {
    if (copies.has(value)) return value;
    const copy = Array.isArray(value)
      ? keepPlaces([...value], value)
      : Object.assign<JsonObject, JsonObject>({}, value);
    copies.add(copy);
    return copy;
  };
  const sent = { ...body };
  copies.add(sent);
  for (const { medium, url } of fetched) for (const { steps } of medium.places) put(sent, steps, url, own);
  return sent;
}

/** Gives the copy of a value: itself, where it is one. */
type Own = (value: JsonArray | JsonObject) => JsonArray | JsonObject;

function put(holder: JsonArray | JsonObject, [step, ...steps]: MediaPlace['steps'], url: string, own: Own): void {
  const isLast = steps.length === 0;
  if (Array.isArray(holder) && typeof step === 'number') holder[step] = isLast ? url : into(holder[step]);
  else if (isJsonObject(holder) && typeof step === 'string') holder[step] = isLast ? url : into(holder[step]);
  else throw new Error('a medium has lost its place');

  function into(inner: JsonValue | undefined): JsonValue {
    if (typeof inner !== 'object' || inner === null) throw new Error('a medium has lost its place');
    const copy = own(inner);
    put(copy, steps, url, own);
    return copy;
  }
}
