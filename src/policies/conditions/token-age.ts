import type { ConditionKind } from '../condition.ts';
import { atMostAgo, DURATION_HINT, isDuration } from '../duration.ts';

/** Age of the access token. An API key is none, so it never is young enough. */
export const tokenAge: ConditionKind<'tokenAge'> = {
  name: 'tokenAge',
  about: 'By a token that was issued at most so long ago.',
  isList: false,
  hint: DURATION_HINT,
  accepts: isDuration,
  compile: (value) => atMostAgo(value, ({ issuedAtMs }) => issuedAtMs),
  wants: (value) => `it needs an access token of at most ${value}: get a new one`,
};
