import type { Clock } from '../../kernel/clock.ts';
import type { Peer, Principal } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { Counters } from '../../limits/counters.ts';
import { ratePerMinute } from '../../limits/gcra.ts';
import { presentedCredential } from '../../wire/bearer.ts';
import { createMembers } from './member.ts';
import type { Method } from './methods/method.ts';

/** Options of the stage, already read from the configuration. */
export interface AuthenticateOptions {
  /** Invalid credentials that one address may send in a minute. */
  readonly failuresPerMinute: number | 'none';
}

/** Finds the principal behind the credential, or denies. Nothing below runs for an unknown caller. */
export function createAuthenticate(
  options: AuthenticateOptions,
  { methods, counters, clock }: { methods: readonly Method[]; counters: Counters; clock: Clock },
): Stage<'head' | 'peer', 'principal'> {
  const memberOf = createMembers();
  const failures = options.failuresPerMinute === 'none' ? undefined : ratePerMinute(options.failuresPerMinute);

  /** Counts a failure; beyond the rate of its address it is refused with less said. A valid credential still passes. */
  function failed(peer: Peer): Denial | Promise<Denial> {
    if (failures === undefined) return deny('invalid_credential');
    const counter = counters.keyOf(`failures:${peer.network}`);
    const result = counters.spend([{ kind: 'rate', name: 'failures', counter, rate: failures }], clock.nowMs());
    const answer = (r: Awaited<typeof result>) =>
      r.kind === 'refused' ? deny('too_many_failures', { retryAfterMs: r.retryAfterMs }) : deny('invalid_credential');
    return result instanceof Promise ? result.then(answer) : answer(result);
  }

  return {
    name: 'authenticate',
    adds: ['principal'],
    decide(x) {
      const presented = presentedCredential(x.head.headers.get('authorization'), x.head.headers.get('x-api-key'));
      switch (presented.kind) {
        case 'none':
          return deny('missing_credential');
        case 'ambiguous':
          return deny('ambiguous_credential');
        case 'malformed':
          return failed(x.peer);
        case 'one': {
          for (const method of methods) {
            const found = method(presented.value, x.peer);
            if (found === undefined) continue;
            if (isDenial(found)) return found.code === 'invalid_credential' ? failed(x.peer) : found;
            x.principal = memberOf(found, x.head.headers);
            return undefined;
          }
          return failed(x.peer);
        }
      }
    },
  };
}

const isDenial = (found: Principal | Denial): found is Denial => 'code' in found;
