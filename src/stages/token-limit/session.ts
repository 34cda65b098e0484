import type { Clock } from '../../kernel/clock.ts';
import { newUsage, type Exchange, type Has, type Spent, type Usage } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import { createBudgetWarnings, type BudgetWarning } from '../../limits/budget-warnings.ts';
import type { Counters, Refused, Soon } from '../../limits/counters.ts';
import type { UsageBook } from '../../limits/ledger.ts';
import type { LimitPlan } from '../../limits/plan.ts';
import { priceOf, type Prices } from '../../limits/prices.ts';
import { createNoteUsage } from './note-usage.ts';
import { classOf, refusal } from './refusal.ts';
import { tokensSoFar, unitsSoFar, type Bid } from './reservation.ts';

/** What counting for sessions works with. */
export interface TokenSessionDeps {
  readonly plan: LimitPlan;
  readonly counters: Counters;
  readonly usage: Pick<UsageBook, 'add'>;
  /** Told of each budget that has come to four fifths. */
  readonly onBudget: (warning: BudgetWarning) => void;
  readonly clock: Clock;
}

type Asked = Exchange & Has<'peer' | 'principal' | 'route'>;

/**
 * Counts the tokens of WebSocket sessions. Nobody knows how long one lasts, so nothing is set aside for it but one unit of each
 * limit; what it uses is counted as upstream tells it, and the session ends where a limit is used up.
 */
export function createTokenSessions(prices: Prices, deps: TokenSessionDeps) {
  const { plan, counters, usage, clock } = deps;
  const warnings = createBudgetWarnings(deps.onBudget, deps);
  const note = createNoteUsage(usage, clock);
  return (x: Asked, model: string, onFull: (denial: Denial) => void) => {
    const { principal, peer, route } = x;
    const all = plan.late({ principal, network: peer.network, model, route: classOf(route.scope) });
    const limits = all.map(({ limit }) => limit);
    const asks = all.map((one) => plan.ask(one, 1, clock.monotonicMs()));
    const counted = all.filter((_, i) => asks[i]?.kind === 'amount');
    const amounts = counted.map(({ limit }) => limit);
    const bid: Bid = { input: 0, least: 0, choices: 1, each: 0, price: priceOf(prices, model) };
    let spent: Spent | undefined;
    let last: Usage = newUsage();
    let isOver = false;
    const units = (): number[] => unitsSoFar(last, bid, amounts);
    function end(taken: Spent): void {
      counters.settle(taken, units(), clock.monotonicMs());
      warnings.used(principal, counted, units());
    }

    function begun(result: Spent | Refused): void {
      if (result.kind === 'refused') onFull(refusal(result, limits[asks.indexOf(result.ask)]));
      // The session may have ended while the counters were asked.
      else if (isOver) end(result);
      else {
        spent = result;
        // A request from its beginning on, in whichever day it ends.
        counters.progress(spent, units(), clock.monotonicMs());
      }
    }

    function soon<Value>(value: Soon<Value>, then: (value: Value) => void): void {
      // Where nothing can be counted a session would go on for nothing as long as it likes.
      if (value instanceof Promise) void value.then(then, () => isOver || onFull(deny('store_unavailable')));
      else then(value);
    }

    if (asks.length > 0) soon(counters.spend(asks, clock.monotonicMs()), begun);
    return {
      more(): void {
        if (spent === undefined) return;
        // One request it stays, however long it lasts; of the rest it needs room for one unit more.
        const wanted = units().map((used, i) => (amounts[i]?.unit === 'requests' ? used : used + 1));
        soon(counters.extend(spent, wanted, clock.monotonicMs()), (refused) => {
          if (refused !== undefined && !isOver) onFull(refusal(refused, limits[asks.indexOf(refused.ask)]));
        });
      },
      used(now: Usage): void {
        last = grown(last, now);
        if (spent === undefined) return;
        counters.progress(spent, units(), clock.monotonicMs());
        warnings.used(principal, counted, units());
      },
      end(now: Usage): void {
        last = grown(last, now);
        isOver = true;
        if (spent !== undefined) end(spent);
        note(principal, model, tokensSoFar(last, bid), bid.price);
      },
    };
  };
}

/** No piece of a session has more: a number that cannot be would lock its caller out, and be in the books for ever. */
const MOST_AT_ONCE = 2_000_000;

/** What was used until now, as far as it can be after what was before. */
function grown(before: Usage, now: Usage): Usage {
  const within = (was = 0, is: number | undefined): number | undefined =>
    is === undefined ? undefined : Math.min(is, was + MOST_AT_ONCE);
  const promptTokens = within(before.promptTokens, now.promptTokens);
  const cachedTokens = now.cachedTokens === undefined ? undefined : Math.min(now.cachedTokens, promptTokens ?? 0);
  return {
    promptTokens,
    cachedTokens,
    completionTokens: within(before.completionTokens, now.completionTokens),
    deltas: now.deltas,
    guessed: now.guessed,
  };
}
