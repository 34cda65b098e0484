import { say, scoreOf, type CredentialJudgement, type CredentialRule } from '../rule.ts';
import type { CredentialSeen } from '../seen.ts';
import { distinct } from '../sketch.ts';
import { highest, lately } from '../windows.ts';

/** Weight of refusals in five minutes. */
const LEAST = 6;
/** A client with a mistake is refused for one thing again and again; who feels for gaps is for many. */
const KINDS = 3;
const TIMES = 2;
/** Refusals by guards in five minutes, and their part of all requests: documents hold odd texts now and then. */
const LEAST_GUARD = 6;
const PART = 0.25;

/** Feeling for what is let through. */
export const probing: CredentialRule = {
  id: 'probing',
  title: 'Repeated denials of fields, models or prompts',
  severity: 'medium',
  about: 'credential',
  calm: 'hour',
  mayHold: false,
  looksAt:
    'Refusals for what was asked in five minutes, by weight: 3 for what an advisory describes, 2 for prompts, keys named twice and odd encodings, 1 for closed or unknown fields, models, scopes, 0.5 for values: six or more, of at least three kinds (code, route, cause), and twice the most of the last weeks. Or six by guards, a quarter of all requests, and twice the most. Never held: the users of an application could have its key held by what they write. The score is x / (x + bound).',
  judge: (seen) => byKinds(seen) ?? byGuards(seen),
};

function byKinds({ profile, nowS }: CredentialSeen): CredentialJudgement | undefined {
  const denials = lately(profile, 'short', 'denials', nowS);
  if (denials < LEAST) return;
  const kinds = distinct(profile, 'denialKinds');
  const most = highest(profile, 'short', 'denials');
  const bound = Math.max(LEAST, TIMES * most);
  if (kinds < KINDS || denials < bound) return;
  return {
    score: scoreOf(denials, bound),
    why: `refusals of ${say(kinds)} kinds and weight ${say(denials)} in 5 minutes where ${say(most)} was the most in weeks`,
    wantsHold: false,
  };
}

function byGuards({ profile, nowS }: CredentialSeen): CredentialJudgement | undefined {
  const denials = lately(profile, 'short', 'guardDenials', nowS);
  if (denials < LEAST_GUARD) return;
  const requests = lately(profile, 'short', 'requests', nowS);
  const most = highest(profile, 'short', 'guardDenials');
  const bound = Math.max(LEAST_GUARD, TIMES * most);
  if (denials < bound || denials < PART * requests) return;
  return {
    score: scoreOf(denials, bound),
    why: `${say(denials)} of ${say(requests)} requests refused by guards in 5 minutes where ${say(most)} was the most in weeks`,
    wantsHold: false,
  };
}
