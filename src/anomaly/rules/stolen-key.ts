import { AT } from '../layout.ts';
import { bearableRequests, isLearned, usualRequests } from '../learned.ts';
import { word } from '../profile.ts';
import { say, type CredentialRule } from '../rule.ts';
import { hourInWords, usualPerHour } from '../season.ts';
import type { CredentialSeen } from '../seen.ts';
import { highest, lately, usually } from '../windows.ts';

/** Requests from the new network below which nothing is said. */
const LEAST_REQUESTS = 6;
const TELL = 2.3;
const HOLD = 3;
/** Requests in five minutes below which nobody is held: of who asks once an hour, two are more than ever. */
const HOLD_REQUESTS = 20;
const MOST = 5;
/** The network is new for so long. */
const NEW_S = 2 * 3_600;
const RESTLESS = 0.35;
const MOVES_SOMETIMES = 0.15;
const NEVER_MOVES = 0.05;
/** A new machine often comes with another client, one that never moves and keeps its client seldom asks more at once. */
const NEVER_MOVES_WEIGHT = 1.4;
const AT_ONCE_S = 300;

/** Evidence that is one reason among several. */
interface Evidence {
  readonly weight: number;
  readonly words: string;
}

/** A key in other hands. */
export const stolenKey: CredentialRule = {
  id: 'stolen-key',
  title: 'Sudden new network, with a new client or high volume',
  severity: 'high',
  about: 'credential',
  calm: 'day',
  mayHold: true,
  looksAt:
    'A network that this credential was first used from at most two hours ago and that nobody of the tenant uses, and what comes with it: a new client (1), use at the same time as from a familiar network (0.25), more requests than between the usual and the most (half the binary logarithm, up to 1.5), other sizes of prompts or answers (0.25), a new model or route (0.5 each), an hour at which it rests (0.5), failures (0.5). The network itself is 1, less where new ones are usual, and 1.4 for who never has one and keeps the client. From six requests on: from the network, of the new client, or changes of network in five minutes, so that proxies do not hide it. Told from 2.3 on; held from 3 on, with a new client and more requests than ever, and than 20 in five minutes. The score is a fifth of the sum.',
  judge(seen) {
    const { network, isNetworkOfTenant, profile } = seen;
    if (network.ageS >= NEW_S || isNetworkOfTenant || timesOf(seen) < LEAST_REQUESTS || !isLearned(profile)) return;
    // Where no network is familiar, none is new either.
    if (seen.sinceOtherNetworkS === Infinity) return;
    const volume = volumeTimes(seen);
    const evidence = evidenceOf(seen, volume).filter(({ weight }) => weight > 0);
    const sum = evidence.reduce((total, { weight }) => total + weight, 0);
    if (sum < TELL) return;
    return {
      score: Math.min(1, sum / MOST),
      why: `used from network ${seen.wideNetwork}, new ${age(network.ageS)}: ${evidence.map(({ words }) => words).join('; ')}`,
      wantsHold: sum >= HOLD && isNew(seen.agent) && isMoreThanEver(seen),
    };
  },
};

/** A thief who goes through proxies asks little from each network: the new client, and the changes of network, add up. */
const timesOf = ({ network, agent, profile, nowS }: CredentialSeen): number =>
  Math.max(network.times, isNew(agent) ? agent.times : 0, lately(profile, 'short', 'switches', nowS));

const isNew = (meeting: CredentialSeen['model']): boolean => meeting !== undefined && meeting.ageS < NEW_S;

/** Who only moves to another machine asks no more than before. */
const isMoreThanEver = ({ profile, nowS }: CredentialSeen): boolean =>
  lately(profile, 'short', 'requests', nowS) > Math.max(HOLD_REQUESTS, highest(profile, 'short', 'requests'));

function volumeTimes({ profile, hour, nowS }: CredentialSeen): number {
  return lately(profile, 'short', 'requests', nowS) / bearableRequests(profile, hour);
}

function evidenceOf(seen: CredentialSeen, volume: number): readonly Evidence[] {
  const { profile, nowS, hour, restlessness, sinceOtherNetworkS } = seen;
  const requests = lately(profile, 'short', 'requests', nowS);
  return [
    {
      weight: networkWeight(restlessness, isNew(seen.agent)),
      words: `${say(restlessness)} new networks a day are usual`,
    },
    { weight: isNew(seen.agent) ? 1 : 0, words: 'a client that it was never used with' },
    {
      weight: sinceOtherNetworkS <= AT_ONCE_S ? 0.25 : 0,
      words: `from a familiar network ${say(sinceOtherNetworkS)} s before`,
    },
    {
      weight: volume > 1 ? Math.min(1.5, Math.log2(volume) / 2) : 0,
      words: `${say(requests)} requests in 5 minutes where ${say(usualRequests(profile, hour))} are usual on ${hourInWords(hour)} and ${say(highest(profile, 'short', 'requests'))} was the most`,
    },
    { weight: isNew(seen.model) ? 0.5 : 0, words: 'a model that it never asked' },
    { weight: isNew(seen.route) ? 0.5 : 0, words: 'a route that it never asked for' },
    sizeEvidence(seen),
    restEvidence(seen),
    failureEvidence(seen),
  ];
}

function networkWeight(restlessness: number, hasNewAgent: boolean): number {
  if (restlessness >= MOVES_SOMETIMES) return restlessness >= RESTLESS ? 0 : 0.5;
  return restlessness < NEVER_MOVES && !hasNewAgent ? NEVER_MOVES_WEIGHT : 1;
}

const OTHER_SIZE = 4;
/** Of fewer requests sizes say nothing. */
const SIZES_COUNTED = 10;

/** Prompts or answers of quite another size. */
function sizeEvidence({ profile, nowS }: CredentialSeen): Evidence {
  const now = sizes((counter) => lately(profile, 'short', counter, nowS));
  const usual = sizes((counter) => usually(profile, 'short', counter));
  const isOther = (a: number, b: number) => a > 0 && b > 0 && Math.max(a / b, b / a) >= OTHER_SIZE;
  const isUnusual =
    lately(profile, 'short', 'requests', nowS) >= SIZES_COUNTED &&
    (isOther(now.prompt, usual.prompt) || isOther(now.ratio, usual.ratio));
  return {
    weight: isUnusual ? 0.25 : 0,
    words: `prompts of ${say(now.prompt)} tokens with ${say(now.ratio)} of answer for each where ${say(usual.prompt)} and ${say(usual.ratio)} are usual`,
  };
}

function sizes(of: (counter: 'requests' | 'promptTokens' | 'completionTokens') => number) {
  const [requests, prompts, completions] = [of('requests'), of('promptTokens'), of('completionTokens')];
  return { prompt: prompts / Math.max(1, requests), ratio: prompts > 0 ? completions / prompts : 0 };
}

const WEEKS_LEARNED_S = 14 * 86_400;
const REST_PER_HOUR = 0.1;

function restEvidence({ profile, nowS, hour }: CredentialSeen): Evidence {
  const isOld = nowS - word(profile, AT.bornS) > WEEKS_LEARNED_S;
  const usual = usualPerHour(profile, hour);
  return { weight: isOld && usual < REST_PER_HOUR ? 0.5 : 0, words: `it rests on ${hourInWords(hour)}` };
}

const FAILING = 0.3;

function failureEvidence({ profile, nowS }: CredentialSeen): Evidence {
  const requests = lately(profile, 'short', 'requests', nowS);
  const errors = lately(profile, 'short', 'errors', nowS);
  const isFailing = errors > FAILING * requests && errors > highest(profile, 'short', 'errors');
  return { weight: isFailing ? 0.5 : 0, words: `${say(errors)} of ${say(requests)} requests fail` };
}

const age = (ageS: number): string => (ageS < 3_600 ? `for ${Math.ceil(ageS / 60)} min` : `for ${say(ageS / 3_600)} h`);
