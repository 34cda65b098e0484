import type { Clock } from '../kernel/clock.ts';
import type { Principal } from '../kernel/exchange.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import type { Counters } from '../limits/counters.ts';
import { ratePerMinute } from '../limits/gcra.ts';
import type { Method } from '../stages/authenticate/methods/method.ts';
import { countedNetwork, plainAddress } from '../wire/address.ts';
import { presentedCredential } from '../wire/bearer.ts';

/** What authenticating on the admin listener works with. */
export interface AdminAuthenticatorDeps {
  readonly method: Method;
  readonly counters: Counters;
  readonly clock: Clock;
  /** As configured now. */
  readonly failuresPerMinute: () => number | 'none';
}

/** The authentication of the admin listener: the method and the failure limit of the public one. */
export function adminAuthenticator({ method, counters, clock, failuresPerMinute }: AdminAuthenticatorDeps) {
  return (authorization: string | undefined, xApiKey: string | undefined, address: string): Principal | Denial => {
    const peer = { address: plainAddress(address), network: countedNetwork(plainAddress(address)) };
    const presented = presentedCredential(authorization, xApiKey);
    if (presented.kind === 'none') return deny('missing_credential');
    if (presented.kind === 'ambiguous') return deny('ambiguous_credential');
    const found = presented.kind === 'one' ? method(presented.value, peer) : undefined;
    if (found !== undefined && (!('code' in found) || found.code !== 'invalid_credential')) return found;
    const perMinute = failuresPerMinute();
    if (perMinute === 'none') return deny('invalid_credential');
    const counter = counters.keyOf(`failures:${peer.network}`);
    const spent = counters.spend(
      [{ kind: 'rate', name: 'failures', counter, rate: ratePerMinute(perMinute) }],
      clock.nowMs(),
    );
    // Shared memory answers at once; counters that would have to be waited for deny, for nothing waits here.
    if (!('kind' in spent)) return deny('too_many_failures');
    if (spent.kind === 'refused') return deny('too_many_failures', { retryAfterMs: spent.retryAfterMs });
    return deny('invalid_credential');
  };
}
