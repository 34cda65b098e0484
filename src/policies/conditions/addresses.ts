import { LRUCache } from 'lru-cache';
import { addressMatcher, isNetwork } from '../../wire/address.ts';
import type { ConditionKind } from '../condition.ts';

const MAX_KNOWN = 1_000;

/** Networks of the caller. */
export const addresses: ConditionKind<'addresses'> = {
  name: 'addresses',
  about: 'From one of these networks.',
  isList: true,
  hint: 'Give networks such as 10.0.0.0/8.',
  accepts: isNetwork,
  compile(networks) {
    const matches = addressMatcher(networks);
    // An address is read once, not with each of its requests.
    const known = new LRUCache<string, boolean>({ max: MAX_KNOWN });
    return ({ address }) => {
      let isIn = known.get(address);
      if (isIn === undefined) known.set(address, (isIn = matches(address)));
      return isIn;
    };
  },
  wants: () => 'it may be used from certain networks only',
};
