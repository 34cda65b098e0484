import { AT } from '../layout.ts';
import { number, word } from '../profile.ts';
import { say, type CredentialRule } from '../rule.ts';
import { highest, lately } from '../windows.ts';

/** How long after it woke it is watched. */
const WATCHED_S = 86_400;
const LEAST_REQUESTS = 5;
const TELL = 2;
const HOLD = 3;
const MOST = 3.5;
const TIMES_VOLUME = 2;
const LEAST_VOLUME = 15;

/** A key that lay about. */
export const dormantKey: CredentialRule = {
  id: 'dormant-key',
  title: 'Dormant key awake',
  severity: 'high',
  about: 'credential',
  calm: 'day',
  mayHold: true,
  looksAt:
    'A credential that was not used for 14 days, in the day after it is used again, from its fifth request on: whether its network (1), its client (1), its model (0.5) are new since, and whether it asks far more than ever (1, above twice the highest five minutes and 15 requests). Told from 2 on, held from 3 on with network and client new; who comes back from holiday has at most one of them. The score is the sum by 3.5.',
  judge({ profile, nowS, network, agent, model, wideNetwork }) {
    const wokeS = word(profile, AT.wokeS);
    if (wokeS === 0 || nowS - wokeS > WATCHED_S || number(profile, AT.requestsAwake) < LEAST_REQUESTS) return;
    const isNew = (ageS: number | undefined): boolean => ageS !== undefined && ageS <= nowS - wokeS;
    const requests = lately(profile, 'short', 'requests', nowS);
    const most = highest(profile, 'short', 'requests');
    const evidence = [
      { weight: isNew(network.ageS) ? 1 : 0, words: `from network ${wideNetwork}, new` },
      { weight: isNew(agent.ageS) ? 1 : 0, words: 'with a client that it was never used with' },
      { weight: isNew(model?.ageS) ? 0.5 : 0, words: 'for a model that it never asked' },
      {
        weight: requests > Math.max(LEAST_VOLUME, TIMES_VOLUME * most) ? 1 : 0,
        words: `${say(requests)} requests in 5 minutes where ${say(most)} was the most`,
      },
    ].filter(({ weight }) => weight > 0);
    const sum = evidence.reduce((total, { weight }) => total + weight, 0);
    if (sum < TELL) return;
    return {
      score: Math.min(1, sum / MOST),
      why: `used again after ${say(number(profile, AT.idleDays))} days: ${evidence.map(({ words }) => words).join('; ')}`,
      wantsHold: sum >= HOLD && isNew(network.ageS) && isNew(agent.ageS),
    };
  },
};
