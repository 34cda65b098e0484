import type { Clock } from '../../kernel/clock.ts';
import type { Counters } from '../../limits/counters.ts';
import { leastTokens } from '../../limits/estimator.ts';
import type { Counted, LimitPlan } from '../../limits/plan.ts';
import type { PromptSize } from '../../vllm/fields/prompt-size.ts';
import { tokensOf, unitsOf, type Bid } from './reservation.ts';

/** What is looked at, and how. */
export interface HopelessDeps {
  readonly plan: Pick<LimitPlan, 'ask'>;
  readonly counters: Pick<Counters, 'standing'>;
  readonly clock: Clock;
}

/**
 * Whether a request is refused however few tokens its prompt turns out to have: then upstream is not asked to count it, for whoever
 * has used up a limit could else keep its tokenizer busy for nothing. Spends nothing.
 */
export async function isHopeless(
  limits: readonly Counted[],
  bid: Bid,
  size: PromptSize,
  { plan, counters, clock }: HopelessDeps,
): Promise<boolean> {
  const least = tokensOf({ ...bid, each: 1, input: Math.floor(leastTokens(size) / RARE_TEXT) });
  for (const one of limits) {
    const units = Math.max(1, unitsOf(one.limit, least, bid.price));
    if (units > one.limit.max) return true;
    const nowMs = clock.monotonicMs();
    if ((await counters.standing(plan.ask(one, 1, nowMs), nowMs)).remaining < units) return true;
  }
  return false;
}

/** Rare texts, such as blanks, have so many times fewer tokens than the fewest that are expected: who counts must not refuse them. */
const RARE_TEXT = 4;
