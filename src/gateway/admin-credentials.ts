import type { AdminCredential } from '../admin/ports.ts';
import type { Principal } from '../kernel/exchange.ts';
import type { Denial } from '../kernel/reasons.ts';
import type { Bans } from '../limits/bans.ts';
import { createGate, type GateDeps, type GateOptions } from '../stages/authenticate/gate.ts';
import { countedNetwork, plainAddress, type AddressMatcher } from '../wire/address.ts';

/** What the admin listener's authentication works with. */
export interface AdminGateDeps extends GateDeps {
  readonly bans: Bans;
  readonly isNeverBanned: AddressMatcher;
}

/** The authentication of the admin listener: the methods, the failure limit and the bans of the public one. */
export function adminAuthenticator(options: GateOptions, deps: AdminGateDeps) {
  const { bans, isNeverBanned, clock } = deps;
  const gate = createGate(options, { ...deps, onGood: (network) => bans.trust(network, clock.monotonicMs()) });
  return async (asked: AdminCredential): Promise<Principal | Denial> => {
    const address = plainAddress(asked.address);
    const network = countedNetwork(address);
    const found = await gate({ ...asked, peer: { address, network }, certificate: undefined });
    if ('code' in found && found.code === 'too_many_failures' && !isNeverBanned(address)) {
      bans.offend(network, 'failures', clock.monotonicMs());
    }
    return found;
  };
}
