import { parseDurationMs } from '../../kernel/units.ts';
import type { ConditionKind } from '../condition.ts';
import { DURATION_HINT, isDuration } from '../duration.ts';

/** How long ago the person behind the token signed in (RFC 9470). */
export const authenticationAge: ConditionKind<'authenticationAge'> = {
  name: 'authenticationAge',
  about: 'By a token of somebody who signed in at most so long ago.',
  isList: false,
  hint: DURATION_HINT,
  accepts: isDuration,
  compile(value) {
    const maxMs = parseDurationMs(value) ?? 0;
    return ({ principal: { token }, nowMs }) => {
      if (token === undefined) return false;
      return token.authenticatedAtMs === undefined ? undefined : nowMs - token.authenticatedAtMs <= maxMs;
    };
  },
  wants: (value) => `it needs a sign-in of at most ${value} ago`,
};
