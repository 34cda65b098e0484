import type { Clock } from '../../kernel/clock.ts';
import type { Exchange, Principal, Slots, Spent } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { Handshake } from '../../kernel/transport.ts';
import type { Ask, Counters, Refused } from '../../limits/counters.ts';
import { readHandshake } from './handshake.ts';

/** Options of the stage, already read from the configuration. */
export interface UpgradeOptions {
  /** Origins whose pages may call. */
  readonly origins: ReadonlySet<string>;
  /** Sockets that an API key without a cap of its own has at once. */
  readonly sockets: number;
}

/**
 * Lets pass what may become a WebSocket: a right handshake, of no page of a foreign origin, while the caller has a socket
 * left. Denies with 426 `upgrade_required`, 400 `invalid_request`, 429 `concurrency_limited`.
 */
export function createUpgrade(
  { origins, sockets }: UpgradeOptions,
  { counters, clock }: { counters: Counters; clock: Clock },
): Stage<'head' | 'principal', 'upgrade'> {
  const askOf = (principal: Principal): Ask => ({
    kind: 'concurrency',
    name: 'sockets',
    counter: counters.keyOf(`sockets:${principal.id}`),
    limit: principal.caps['sockets'] ?? sockets,
  });

  return {
    name: 'upgrade',
    adds: ['upgrade'],
    decide(x) {
      const handshake = readHandshake(x.head, x.downstream.head);
      if ('code' in handshake) return handshake;
      const origin = x.head.headers.get('origin');
      // Browsers let every page open a WebSocket anywhere and ask nobody (cross-site WebSocket hijacking); vLLM does not look.
      if (origin !== undefined && !origins.has(origin)) return deny('invalid_request', { message: FOREIGN });
      if (x.isDryRun) {
        x.upgrade = { handshake, socketLimit: { kind: 'spent', standings: [], holds: [] } };
        return undefined;
      }
      const result = counters.spend([askOf(x.principal)], clock.monotonicMs());
      return result instanceof Promise ? result.then((r) => answer(x, handshake, r)) : answer(x, handshake, result);
    },
    settle(x) {
      counters.settle(x.upgrade.socketLimit, [], clock.monotonicMs());
    },
  };
}

const FOREIGN =
  'The Origin header names a page that may not open WebSockets here: listen.cors.origins lists those that may.';
const TOO_MANY = 'The API key has as many sockets open as it may. Close one first.';

function answer(x: Exchange & Slots<'upgrade'>, handshake: Handshake, result: Spent | Refused): Denial | undefined {
  if (result.kind === 'refused') {
    return deny('concurrency_limited', { retryAfterMs: result.retryAfterMs, message: TOO_MANY });
  }
  x.upgrade = { handshake, socketLimit: result };
  return undefined;
}
