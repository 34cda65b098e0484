import type { OwnLimits, Period } from '../kernel/own-limits.ts';

/** What is counted. */
export type Unit = 'requests' | 'concurrency' | 'streams' | 'tokens' | 'inputTokens' | 'outputTokens' | 'cost';

/** In which time, as `limits.rules` writes it. */
export type Per = 's' | 'min' | 'h' | 'day' | 'month';

/** One limit as it holds for a caller. */
export interface Limit {
  /** Name of the policy, as headers and refusals say it: `tokens`, `budget`, `tenant.requests`, `nightly.cost`. */
  readonly name: string;
  readonly unit: Unit;
  /** Whole units; of money millionths. */
  readonly max: number;
  /** Undefined of what is held at once. */
  readonly per: Per | undefined;
  /** What is counted together. */
  readonly subject: string;
}

/** Milliseconds of the times that are rates rather than windows of the calendar. */
export const LENGTH_MS: Readonly<Record<'s' | 'min' | 'h', number>> = { s: 1_000, min: 60_000, h: 3_600_000 };

/** Money is counted in millionths of its unit. */
export const MILLIONTHS = 1_000_000;

const PER: Readonly<Record<Period, Per>> = { hour: 'h', day: 'day', month: 'month' };

/** What limits of one holder say, each as a limit of its own. @param prefix of their names, such as `tenant.` */
export function limitsFrom(own: OwnLimits, subject: string, prefix = ''): readonly Limit[] {
  const limits: Limit[] = [];
  const { requestsPerMinute, tokensPerMinute, concurrency, budget } = own;
  const add = (name: string, unit: Unit, max: number | 'none' | undefined, per: Per | undefined): void => {
    if (typeof max === 'number') limits.push({ name: `${prefix}${name}`, unit, max, per, subject });
  };
  add('concurrency', 'concurrency', concurrency, undefined);
  add('requests', 'requests', requestsPerMinute, 'min');
  add('tokens', 'tokens', tokensPerMinute, 'min');
  if (typeof budget === 'object') add('budget', 'tokens', budget.tokens, PER[budget.per]);
  return limits;
}

/** Whether all of a limit comes back at the end of a window of the calendar, rather than bit by bit. */
export function isBudget({ unit, per }: Limit): boolean {
  if (per === undefined) return false;
  if (per === 'day' || per === 'month' || unit === 'cost') return true;
  return per === 'h' && unit !== 'requests';
}

/** Whole numbers are exact up to 2^53, and money is counted in millionths. */
const MOST = 1_000_000_000_000_000;
const MOST_MONEY = 1_000_000_000;

/** Reads an amount in a time such as `600/min` or `12.50/day`; undefined for any other text, and for nothing. */
export function parseAmountPer(
  text: string,
  decimals: boolean,
): { readonly amount: number; readonly per: Per } | undefined {
  const form = decimals
    ? /^(\d{1,12}(?:\.\d{1,6})?)\/(s|min|h|hour|day|month)$/
    : /^(\d{1,16})\/(s|min|h|hour|day|month)$/;
  const [, number = '', time = ''] = form.exec(text) ?? [];
  const amount = Number(number);
  if (!(amount > 0 && amount <= (decimals ? MOST_MONEY : MOST))) return undefined;
  return { amount, per: time === 'hour' ? 'h' : (time as Per) };
}
