import type { ConditionKind } from '../condition.ts';

const HINT = 'Give values of acr, such as urn:sallyport:acr:mfa.';

/** Strength of the sign-in behind the token (RFC 9470). */
export const acr: ConditionKind<'acr'> = {
  name: 'acr',
  about: 'By a token of a sign-in of one of these strengths.',
  isList: true,
  hint: HINT,
  accepts: (text) => /^[!#-[\]-~]{1,256}$/.test(text),
  compile(values) {
    const wanted = new Set(values);
    return ({ principal: { token } }) => {
      if (token === undefined) return false;
      return token.acr === undefined ? undefined : wanted.has(token.acr);
    };
  },
  wants: (values) => `it needs an access token of a stronger sign-in (${values.join(' or ')})`,
};
