import { addressMatcher, type AddressMatcher } from '../../wire/address.ts';

/** From where something may be used, as its record has it: CIDRs. */
export interface NetworkRules {
  /** From these alone; empty: from everywhere. */
  readonly allowIp: readonly string[];
  /** Not from these, even where allowed. */
  readonly denyIp: readonly string[];
}

/** Whether an address may use what has these rules. */
export type NetworkJudge = (rules: NetworkRules, address: string) => boolean;

/** Reads the rules of each record once: records are immutable. */
export function createNetworkJudge(): NetworkJudge {
  const known = new WeakMap<NetworkRules, AddressMatcher>();
  return (rules, address) => {
    if (rules.allowIp.length + rules.denyIp.length === 0) return true;
    let isAllowed = known.get(rules);
    if (isAllowed === undefined) known.set(rules, (isAllowed = matcherOf(rules)));
    return isAllowed(address);
  };
}

function matcherOf({ allowIp, denyIp }: NetworkRules): AddressMatcher {
  const isListed = allowIp.length === 0 ? () => true : addressMatcher(allowIp);
  const isDenied = addressMatcher(denyIp);
  return (address) => isListed(address) && !isDenied(address);
}

/** What a caller is told who shows a good API key, or a good credential of a tenant, from the wrong place. */
export const KEY_DENIED = 'This API key may not be used from this address.';
export const TENANT_DENIED = 'The tenant of this credential may not be used from this address.';
