import type { Usage } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { mostTokens, type Size } from '../../limits/estimator.ts';
import type { Tokens } from '../../limits/prices.ts';
import { tokensSoFar, type Bid } from './reservation.ts';

/**
 * The tokens that a request has really cost, however it ended: what upstream counted; else what was seen of a stream; else
 * what it can have written until its caller went away, so that hanging up is no way to have work done for nothing.
 *
 * @param silentMs for which a stream had brought nothing more when it ended
 * @param writtenIn most tokens of one answer in a time
 */
export function actualTokens(
  usage: Usage,
  { bid, size, isBackground }: { readonly bid: Bid; readonly size: Size; readonly isBackground: boolean },
  outcome: Outcome,
  silentMs: number,
  writtenIn: (ms: number) => number,
): Tokens {
  const { promptTokens, completionTokens, deltas } = usage;
  const most = bid.choices * bid.each;
  // What goes on in the background upstream finishes, whoever hangs up, and nobody hears how much it was.
  const isDetached = isBackground && outcome.kind !== 'answer' && outcome.mayHaveWorked === true;
  const unseen = isGivenUp(outcome) && silentMs >= SILENCE_MS ? bid.choices * writtenIn(silentMs) : 0;
  const { input, cached, output } = tokensSoFar(usage, bid);
  if (promptTokens !== undefined || completionTokens !== undefined) {
    // A number that cannot be would lock its caller out for ever. What upstream holds of a conversation is in no body.
    const read = Math.min(input, Math.max(mostTokens(size), LONG_CONTEXT));
    const written = Math.min(withUnseen(output, unseen, most), 2 * Math.max(most, deltas) + SHORT_ANSWER);
    return { input: read, cached: Math.min(cached, read), output: isDetached ? Math.max(most, written) : written };
  }
  if (deltas > 0) {
    return { input: bid.input, cached: 0, output: isDetached ? most : withUnseen(output, unseen, most) };
  }
  if (outcome.mayHaveWorked !== true) return NOTHING;
  // What upstream broke nobody has had. A time-out is the gateway's own: the caller has chosen how long the work is.
  if (outcome.kind === 'fault' && outcome.code !== 'upstream_timeout') return NOTHING;
  // An answer that says nothing of its tokens, such as one that goes on in the background.
  if (outcome.kind === 'answer') return { input: bid.input, cached: 0, output: most };
  if (isDetached) return { input: bid.input, cached: 0, output: most };
  // The wait for a place, which others have caused, is not work.
  const written = bid.choices * Math.min(bid.each, writtenIn(outcome.workedMs ?? outcome.durationMs));
  return { input: bid.input, cached: 0, output: Math.min(most, written) };
}

/** The caller went away, or the work that it has chosen took too long. */
const isGivenUp = ({ kind, code }: Outcome): boolean =>
  kind === 'abort' || (kind === 'fault' && code === 'upstream_timeout');

/**
 * vLLM writes tokens for which no event goes out while one of its parsers waits for the end of a tool call. Who hangs up then
 * pays for what can have been written, but no more than was set aside.
 */
const withUnseen = (seen: number, unseen: number, most: number): number =>
  Math.max(seen, Math.min(seen + unseen, most));

/** Between two tokens of a busy model there is less. */
const SILENCE_MS = 2_000;

const NOTHING: Tokens = { input: 0, cached: 0, output: 0 };
/** Tokens of the longest contexts that models have. */
const LONG_CONTEXT = 2_000_000;
/** What an answer may be longer than it was allowed, before what upstream says of it is not believed. */
const SHORT_ANSWER = 65_536;
