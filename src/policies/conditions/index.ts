import type { Conditions } from '../../directory/records.ts';
import type { ConditionKind } from '../condition.ts';
import { acr } from './acr.ts';
import { addresses } from './addresses.ts';
import { authenticationAge } from './authentication-age.ts';
import { binding } from './binding.ts';
import { clients } from './clients.ts';
import { time } from './time.ts';
import { tokenAge } from './token-age.ts';

/** Every kind of condition. */
export const conditionKinds: { readonly [Name in keyof Required<Conditions>]: ConditionKind<Name> } = {
  time,
  addresses,
  tokenAge,
  acr,
  authenticationAge,
  clients,
  binding,
};
