import type { Exchange, Has } from '../../kernel/exchange.ts';
import { isJsonObject, type JsonObject } from '../../kernel/json.ts';
import { deny } from '../../kernel/reasons.ts';
import type { Inspector } from '../../kernel/stage.ts';
import type { ResponseIds } from '../../wire/response-id.ts';

/**
 * Puts the caller's own ids in the place of upstream's: of a response that is held, and of the one before it. Undefined
 * where neither is the case: what is not stored keeps an id that leads nowhere.
 *
 * @param upstream name of the one that answers
 */
export function callersIds(
  { principal, route, request }: Exchange & Has<'principal' | 'route' | 'request'>,
  upstream: string,
  ids: ResponseIds,
): Inspector | undefined {
  const { held, model } = request;
  const isRead = route.family === 'stored-response';
  const isHeld = isRead || (route.family === 'responses' && request.body['store'] === true);
  if (!isHeld && held === undefined) return undefined;

  /** Undefined where it has no id that could lead back to it, or is another one than was asked for. */
  function renamed(response: JsonObject): JsonObject | undefined {
    const { id, previous_response_id: previous } = response;
    if (!isHeld) return { ...response, previous_response_id: sealed(previous) };
    if (typeof id !== 'string' || !UPSTREAM_ID.test(id) || (isRead && id !== held?.id)) return undefined;
    return { ...response, id: sealed(id), previous_response_id: sealed(previous) };
  }

  // A chain has one owner, one upstream and one model: each of its responses could only be made so.
  const sealed = (id: unknown): string | null =>
    typeof id === 'string' && UPSTREAM_ID.test(id) ? ids.seal({ upstream, id, model }, principal) : null;

  return {
    event(event) {
      const value = event.json();
      const response = value?.['response'];
      if (value === undefined || !isJsonObject(response)) return 'pass';
      const changed = renamed(response);
      if (changed === undefined) return deny('upstream_error');
      event.replace({ ...value, response: changed });
      return 'pass';
    },
    body: (value) => renamed(value) ?? deny('upstream_error'),
  };
}

/** It becomes a segment of a path upstream, so it must not be able to lead elsewhere. */
const UPSTREAM_ID = /^[A-Za-z0-9_-]{1,128}$/;
