import type { ConditionKind } from '../condition.ts';
import { atMostAgo, DURATION_HINT, isDuration } from '../duration.ts';

/** How long ago the person behind the token signed in (RFC 9470). */
export const authenticationAge: ConditionKind<'authenticationAge'> = {
  name: 'authenticationAge',
  about: 'By a token of somebody who signed in at most so long ago.',
  isList: false,
  hint: DURATION_HINT,
  accepts: isDuration,
  compile: (value) => atMostAgo(value, ({ authenticatedAtMs }) => authenticatedAtMs),
  wants: (value) => `it needs a sign-in of at most ${value} ago`,
};
