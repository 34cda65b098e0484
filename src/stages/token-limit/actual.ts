import type { Usage } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import type { Tokens } from '../../limits/prices.ts';
import type { Bid } from './reservation.ts';

/**
 * The tokens that a request has really cost, however it ended: what upstream counted; else what was seen of a stream; else
 * what it can have written until its caller went away, so that hanging up is no way to have work done for nothing.
 *
 * @param writtenIn most tokens of one answer in a time
 */
export function actualTokens(usage: Usage, bid: Bid, outcome: Outcome, writtenIn: (ms: number) => number): Tokens {
  const { promptTokens, completionTokens, cachedTokens = 0, deltas } = usage;
  if (promptTokens !== undefined || completionTokens !== undefined) {
    return { input: promptTokens ?? bid.input, cached: cachedTokens, output: (completionTokens ?? 0) + deltas };
  }
  if (deltas > 0) return { input: bid.input, cached: 0, output: deltas };
  const most = bid.choices * bid.each;
  if (outcome.isAtWork !== true || outcome.kind === 'fault') return NOTHING;
  // An answer that says nothing of its tokens, such as one that goes on in the background.
  if (outcome.kind === 'answer') return { input: bid.input, cached: 0, output: most };
  const written = bid.choices * Math.min(bid.each, writtenIn(outcome.durationMs));
  return { input: bid.input, cached: 0, output: Math.min(most, written) };
}

const NOTHING: Tokens = { input: 0, cached: 0, output: 0 };
