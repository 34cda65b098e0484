/** A number, or `none` for not limited; undefined where what stands above it holds. */
export type OwnLimit = number | 'none' | undefined;

/** A window of the calendar. */
export type Period = 'hour' | 'day' | 'month';

/** Tokens that may be used in a window of the calendar. */
export interface Budget {
  /** A whole number >= 1. */
  readonly tokens: number;
  readonly per: Period;
}

/** Limits that one holder has: an API key, a client, a role, a group, a tenant. */
export interface OwnLimits {
  readonly requestsPerMinute?: OwnLimit;
  /** Tokens of prompts and answers together. */
  readonly tokensPerMinute?: OwnLimit;
  readonly concurrency?: OwnLimit;
  readonly budget?: Budget | 'none' | undefined;
}

/** Most tokens of a budget: sums of them stay exact. */
export const MOST_BUDGET_TOKENS = 1_000_000_000_000_000;

/** Each limit from the first that says something about it. */
export const inherited = (...nearestFirst: readonly OwnLimits[]): OwnLimits => ({
  requestsPerMinute: firstOf(nearestFirst.map((one) => one.requestsPerMinute)),
  tokensPerMinute: firstOf(nearestFirst.map((one) => one.tokensPerMinute)),
  concurrency: firstOf(nearestFirst.map((one) => one.concurrency)),
  budget: firstOf(nearestFirst.map((one) => one.budget)),
});

/** The strictest of each limit; `none` only where nobody has a number. */
export const strictest = (all: readonly OwnLimits[]): OwnLimits => ({
  requestsPerMinute: lowest(all.map((one) => one.requestsPerMinute)),
  tokensPerMinute: lowest(all.map((one) => one.tokensPerMinute)),
  concurrency: lowest(all.map((one) => one.concurrency)),
  budget: smallest(all.map((one) => one.budget)),
});

/** Whether anything is said at all. */
export const saysSomething = ({ requestsPerMinute, tokensPerMinute, concurrency, budget }: OwnLimits): boolean =>
  [requestsPerMinute, tokensPerMinute, concurrency, budget].some((limit) => limit !== undefined);

/** Reads a budget such as `1000000/day`; undefined for any other text. */
export function parseBudget(text: string): Budget | undefined {
  const [, number = '', per = ''] = /^(\d{1,16})\/(hour|h|day|month)$/.exec(text) ?? [];
  const tokens = Number(number);
  if (!(tokens >= 1 && tokens <= MOST_BUDGET_TOKENS)) return undefined;
  return { tokens, per: per === 'day' || per === 'month' ? per : 'hour' };
}

/** Writes a budget so that `parseBudget` reads the same. */
export const formatBudget = ({ tokens, per }: Budget): string => `${tokens}/${per}`;

const firstOf = <Value>(values: readonly (Value | undefined)[]): Value | undefined =>
  values.find((value) => value !== undefined);

function lowest(limits: readonly OwnLimit[]): OwnLimit {
  const numbers = limits.filter((limit) => typeof limit === 'number');
  if (numbers.length > 0) return Math.min(...numbers);
  return limits.includes('none') ? 'none' : undefined;
}

const HOURS: Readonly<Record<Period, number>> = { hour: 1, day: 24, month: 730 };

function smallest(budgets: readonly OwnLimits['budget'][]): OwnLimits['budget'] {
  const real = budgets.filter((budget) => typeof budget === 'object');
  const anHour = ({ tokens, per }: Budget) => tokens / HOURS[per];
  if (real.length > 0) return real.reduce((least, one) => (anHour(one) < anHour(least) ? one : least));
  return budgets.includes('none') ? 'none' : undefined;
}
