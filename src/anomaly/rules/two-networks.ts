import { bearableRequests, isLearned, usualRequests } from '../learned.ts';
import { say, type CredentialRule } from '../rule.ts';
import { lately } from '../windows.ts';

const NEW_S = 2 * 3_600;
const LEAST_SWITCHES = 4;
const RESTLESS = 0.15;
const AT_ONCE_S = 60;
/** Two at once ask more than one; a move from one machine to another does not. */
const TIMES_VOLUME = 2;
const TIMES_VOLUME_OF_NEW = 1;

/** One key, two places. */
export const twoNetworks: CredentialRule = {
  id: 'two-networks',
  title: 'Used from two far networks at once',
  severity: 'high',
  about: 'credential',
  calm: 'hour',
  mayHold: false,
  looksAt:
    'Requests from two networks (/16 of IPv4, /32 of IPv6) less than a minute apart, four changes in five minutes or more, one of them familiar and the other new for two hours at most, by a credential that hardly ever has new networks; with twice as many requests as lie between the usual and the most, or as many where the client is new, too, for a deployment that moves has neither. The score is n / (n + 4) of the changes.',
  judge(seen) {
    const { network, profile, nowS, hour } = seen;
    const switches = lately(profile, 'short', 'switches', nowS);
    if (switches < LEAST_SWITCHES || network.ageS >= NEW_S || seen.isNetworkOfTenant) return;
    if (seen.sinceOtherNetworkS > AT_ONCE_S || seen.restlessness >= RESTLESS || !isLearned(profile)) return;
    const requests = lately(profile, 'short', 'requests', nowS);
    const usual = usualRequests(profile, hour);
    const isNewAgent = seen.agent.ageS < NEW_S;
    const times = isNewAgent ? TIMES_VOLUME_OF_NEW : TIMES_VOLUME;
    if (requests < times * bearableRequests(profile, hour)) return;
    return {
      score: switches / (switches + LEAST_SWITCHES),
      why: `used from network ${seen.wideNetwork}, new for hours at most, and a familiar one within ${say(seen.sinceOtherNetworkS)} s: ${say(switches)} changes in 5 minutes, ${say(requests)} requests where ${say(usual)} are usual${isNewAgent ? ', with a client that it was never used with' : ''}`,
      wantsHold: false,
    };
  },
};
