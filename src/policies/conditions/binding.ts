import type { ConditionKind } from '../condition.ts';

const NAMES = { none: 'bound to nothing', dpop: 'bound by DPoP', mtls: 'bound to a client certificate' };

/** The key of its sender that the token is bound to; an API key is bound to none. */
export const binding: ConditionKind<'binding'> = {
  name: 'binding',
  about: 'By a credential that is bound to a key in one of these ways: none, dpop, mtls.',
  isList: true,
  hint: 'Give none, dpop or mtls.',
  accepts: (text) => Object.hasOwn(NAMES, text),
  compile(ways) {
    const wanted = new Set(ways);
    return ({ principal: { token } }) => wanted.has(token?.binding ?? 'none');
  },
  wants: (ways) => `it needs an access token that is ${ways.map((way) => NAMES[way]).join(' or ')}`,
};
