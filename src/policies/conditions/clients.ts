import type { ConditionKind } from '../condition.ts';

/** The client that the token was issued to, as its issuer names it. */
export const clients: ConditionKind<'clients'> = {
  name: 'clients',
  about: 'By a token that was issued to one of these clients.',
  isList: true,
  hint: 'Give the id of a client.',
  accepts: (text) => text.length <= 256,
  compile(ids) {
    const wanted = new Set(ids);
    return ({ principal: { token } }) => {
      if (token === undefined) return false;
      return token.clientId === undefined ? undefined : wanted.has(token.clientId);
    };
  },
  wants: () => 'it may be used by certain clients only',
};
