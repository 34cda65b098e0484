import type { GroupRule } from '../rule.ts';
import { surgeOf } from '../surge.ts';

/** Of many callers, so much more is no surge yet. */
const LEAST = 10;
const TIMES = 6;

/** A tenant or a client that uses up far more than ever. */
export const groupSurge: GroupRule = {
  id: 'group-surge',
  title: 'Surge of tokens or requests of a tenant or a client',
  severity: 'low',
  about: 'group',
  calm: 'hour',
  looksAt:
    'Tokens and requests as with token-surge, for all credentials of a tenant, or of an OAuth client, together: ten times as many, and six times the highest five minutes.',
  judge: ({ profile, nowS, hour }) => surgeOf(profile, nowS, hour, LEAST, TIMES),
};
