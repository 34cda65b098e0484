import { isLearned } from './learned.ts';
import type { Profile } from './profile.ts';
import { say, scoreOf, type Judgement } from './rule.ts';
import { hourInWords, usualPerHour } from './season.ts';
import { highest, lately } from './windows.ts';

/** Below these, five minutes are no surge, whatever was usual. */
const LEAST_TOKENS = 80_000;
const LEAST_REQUESTS = 150;
/** Above the times: of who uses little, twice and a half is little, too. */
const MORE_TOKENS = 50_000;

/**
 * Tokens or requests of five minutes far above the highest ones of the last weeks.
 *
 * @param scale how many single callers it stands for
 * @param times the highest five minutes that are still none
 */
export function surgeOf(
  profile: Profile,
  nowS: number,
  hour: number,
  scale: number,
  times: number,
): Judgement | undefined {
  const [leastTokens, leastRequests] = [LEAST_TOKENS * scale, LEAST_REQUESTS * scale];
  const tokens = lately(profile, 'short', 'promptTokens', nowS) + lately(profile, 'short', 'completionTokens', nowS);
  const requests = lately(profile, 'short', 'requests', nowS);
  if ((tokens < leastTokens && requests < leastRequests) || !isLearned(profile)) return;
  const tokenPeak = highest(profile, 'short', 'promptTokens') + highest(profile, 'short', 'completionTokens');
  const tokenBound = Math.max(leastTokens, times * tokenPeak + MORE_TOKENS * scale);
  if (tokens > tokenBound) {
    return {
      score: scoreOf(tokens, tokenBound),
      why: `${say(tokens)} tokens in 5 minutes where ${say(tokenPeak)} were the most in weeks, and ${say(usualPerHour(profile, hour))} requests an hour are usual on ${hourInWords(hour)}`,
    };
  }
  const requestPeak = highest(profile, 'short', 'requests');
  const requestBound = Math.max(leastRequests, times * requestPeak);
  if (requests <= requestBound) return;
  return {
    score: scoreOf(requests, requestBound),
    why: `${say(requests)} requests in 5 minutes where ${say(requestPeak)} were the most in weeks, and ${say(usualPerHour(profile, hour))} an hour are usual on ${hourInWords(hour)}`,
  };
}
