import { isLearned } from '../learned.ts';
import { say, scoreOf, type CredentialRule } from '../rule.ts';
import { highest, lately } from '../windows.ts';

const LOGPROBS = 12;
const LOGPROBS_OF_HOUR = 40;
const NEAR = 8;
const NEAR_OF_HOUR = 80;
/** Times the most of the last weeks. */
const TIMES = 3;
const TIMES_OF_HOUR = 5;

/** Asking the model out, a little at a time. */
export const slowExtraction: CredentialRule = {
  id: 'slow-extraction',
  title: 'Slow extraction of a model',
  severity: 'medium',
  about: 'credential',
  calm: 'day',
  mayHold: false,
  looksAt:
    'Requests for log probabilities (12 in five minutes, 40 in an hour) and prompts that are nearly the same as three of the last sixteen (8 in five minutes, 80 in an hour; SimHash, at most 12 of 64 bits apart), each three times (of the hour five times) the most of the last weeks. The score is n / (n + bound).',
  judge({ profile, nowS }) {
    if (!isLearned(profile)) return;
    const measure = (
      span: 'short' | 'long',
      counter: 'logprobs' | 'nearPrompts',
      least: number,
      words: string,
    ): ReturnType<CredentialRule['judge']> => {
      const seen = lately(profile, span, counter, nowS);
      if (seen < least) return;
      const most = highest(profile, span, counter);
      const bound = Math.max(least, (span === 'short' ? TIMES : TIMES_OF_HOUR) * most);
      if (seen < bound) return;
      const why = `${say(seen)} ${words} where ${say(most)} was the most in weeks`;
      return { score: scoreOf(seen, bound), why, wantsHold: false };
    };
    return (
      measure('short', 'logprobs', LOGPROBS, 'requests for log probabilities in 5 minutes') ??
      measure('long', 'logprobs', LOGPROBS_OF_HOUR, 'requests for log probabilities in an hour') ??
      measure('short', 'nearPrompts', NEAR, 'nearly equal prompts in 5 minutes') ??
      measure('long', 'nearPrompts', NEAR_OF_HOUR, 'nearly equal prompts in an hour')
    );
  },
};
