import type { TokenRule } from '../rule.ts';

/** A refresh token that two have. */
export const refreshReuse: TokenRule = {
  id: 'refresh-reuse',
  title: 'Refresh token used again',
  severity: 'high',
  about: 'token',
  calm: 'hour',
  looksAt:
    'A refresh token that was used already (RFC 9700 §4.14.2): two have it, or a client has lost an answer. The authorization server has ended the grant by then; nobody is held besides, for who has an old token of a public client could have the client held. The score is 1.',
  judge({ record }) {
    if (record.activity !== 'reuse') return;
    return { score: 1, why: 'a refresh token that was used already came again; its grant has ended' };
  },
};
