import type { Principal } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import { checkClientEvent, type ClientEvent } from '../../vllm/fields/realtime.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';
import { createCallers, type CallersDeps } from './callers.ts';
import type { ValidationConfig } from './config.ts';
import { parseStrictJson, type JsonLimits } from '../../wire/strict-json.ts';

/** Reads a frame of a caller: what is sent in its place, or why it is refused. */
export type ReadClientEvent = (frame: Buffer, principal: Principal) => ClientEvent | Denial;

/** An event of vLLM has two members; an SDK's description of a session has more, and is dropped. */
const EVENT_LIMITS: JsonLimits = { maxDepth: 16, maxValues: 1_000, maxNames: 500 };

/** The checks of bodies, for the events of `/v1/realtime`: strict JSON, a policy for every member, unknown ones refused. */
export function createClientEvents(
  config: ValidationConfig,
  deps: CallersDeps & { readonly aliases: ReadonlyMap<string, string> },
): ReadClientEvent {
  const callerOf = createCallers(config, deps);
  return (frame, principal) => {
    const parsed = parseStrictJson(frame, EVENT_LIMITS);
    if (!parsed.ok) {
      const { code, message, param } = parsed;
      return deny(code, param === null ? { message } : { message, param });
    }
    const { caps, grants, bind, openResponse } = callerOf(principal);
    const event = checkClientEvent(parsed.value, {
      caps,
      grants,
      bind,
      unknownFields: config.unknownFields,
      adjusted: [],
      loraPaths: [],
      mediaHosts: [],
      media: { images: 0, audios: 0, videos: 0, bytes: 0, pixels: 0, remote: new Map() },
      freeForms: [],
      openResponse,
      held: undefined,
    });
    if (!(event instanceof Refusal)) {
      if (event.type !== 'session.update') return event;
      return { ...event, model: deps.aliases.get(event.model) ?? event.model };
    }
    const { code, path, message } = event;
    return deny(code, path === '' ? { message } : { param: path, message });
  };
}
