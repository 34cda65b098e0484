import type { AdminCredential } from '../admin/ports.ts';
import type { Principal } from '../kernel/exchange.ts';
import type { Denial } from '../kernel/reasons.ts';
import { createGate, type GateDeps, type GateOptions } from '../stages/authenticate/gate.ts';
import { countedNetwork, plainAddress } from '../wire/address.ts';

/** The authentication of the admin listener: the methods and the failure limit of the public one. */
export function adminAuthenticator(options: GateOptions, deps: GateDeps) {
  const gate = createGate(options, deps);
  return async (asked: AdminCredential): Promise<Principal | Denial> => {
    const address = plainAddress(asked.address);
    return gate({ ...asked, peer: { address, network: countedNetwork(address) }, certificate: undefined });
  };
}
