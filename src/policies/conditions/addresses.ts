import { addressMatcher, isNetwork } from '../../wire/address.ts';
import type { ConditionKind } from '../condition.ts';

/** Networks of the caller. */
export const addresses: ConditionKind<'addresses'> = {
  name: 'addresses',
  about: 'From one of these networks.',
  isList: true,
  hint: 'Give networks such as 10.0.0.0/8.',
  accepts: isNetwork,
  compile(networks) {
    const matches = addressMatcher(networks);
    return ({ address }) => matches(address);
  },
  wants: () => 'it may be used from certain networks only',
};
