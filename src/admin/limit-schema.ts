import * as z from 'zod';
import { countOrNone } from '../kernel/option.ts';
import { formatBudget, parseBudget, type OwnLimits } from '../kernel/own-limits.ts';

const BUDGET =
  'Give tokens in a time, such as 1000000/day: a whole number from 1 to 1000000000000000 and hour, day or month; or none.';

const budget = z.string({ error: BUDGET }).transform((value, context) => {
  const read = value === 'none' ? value : parseBudget(value);
  if (read !== undefined) return read;
  context.issues.push({ code: 'custom', message: BUDGET, input: value });
  return z.NEVER;
});

const rpm = countOrNone(1, 10_000_000).nullable();
const tpm = countOrNone(1, 1_000_000_000_000).nullable();
const concurrency = countOrNone(1, 1_000_000).nullable();

/** Limits that a holder carries itself; null: what stands above it holds (group or role, tenant, configuration). */
export const limitFields = {
  rpm: rpm.describe('Requests per minute; null: what stands above it holds.').optional(),
  tpm: tpm.describe('Tokens per minute, of prompts and answers together; null likewise.').optional(),
  concurrency: concurrency.describe('Requests at once; null likewise.').optional(),
  budgetTokens: budget
    .nullable()
    .describe('Tokens in an hour, a day or a month of the calendar, such as `1000000/day`; null likewise.')
    .optional(),
};

/** Limits that all members of something share. */
export const poolFields = {
  poolRpm: rpm.describe('Requests per minute of all together; null: not limited.').optional(),
  poolTpm: tpm.describe('Tokens per minute of all together; null: not limited.').optional(),
  poolConcurrency: concurrency.describe('Requests at once of all together; null: not limited.').optional(),
  poolBudgetTokens: budget
    .nullable()
    .describe('Tokens of all together, such as `1000000/day`; null: not limited.')
    .optional(),
};

const shownNumber = z.union([z.int(), z.literal('none')]).nullable();
const shownBudget = z.string().nullable();

/** Limits as the admin API shows them. */
export const limitsShown = { rpm: shownNumber, tpm: shownNumber, concurrency: shownNumber, budgetTokens: shownBudget };

/** Shared limits as the admin API shows them. */
export const poolShown = {
  poolRpm: shownNumber,
  poolTpm: shownNumber,
  poolConcurrency: shownNumber,
  poolBudgetTokens: shownBudget,
};

/** Shows limits. */
export const showLimits = ({ requestsPerMinute, tokensPerMinute, concurrency: atOnce, budget: own }: OwnLimits) => ({
  rpm: requestsPerMinute ?? null,
  tpm: tokensPerMinute ?? null,
  concurrency: atOnce ?? null,
  budgetTokens: own === undefined ? null : own === 'none' ? own : formatBudget(own),
});

/** Shows shared limits. */
export function showPool(pool: OwnLimits) {
  const shown = showLimits(pool);
  return {
    poolRpm: shown.rpm,
    poolTpm: shown.tpm,
    poolConcurrency: shown.concurrency,
    poolBudgetTokens: shown.budgetTokens,
  };
}

const wish = z.strictObject(limitFields);
const poolWish = z.strictObject(poolFields);

/** Limits with what was given changed: null takes one away, what is left out stays. */
export const limitsFrom = (given: z.output<typeof wish>, before: OwnLimits = {}): OwnLimits => ({
  requestsPerMinute: changed(given.rpm, before.requestsPerMinute),
  tokensPerMinute: changed(given.tpm, before.tokensPerMinute),
  concurrency: changed(given.concurrency, before.concurrency),
  budget: changed(given.budgetTokens, before.budget),
});

/** The same for shared limits. */
export const poolFrom = (given: z.output<typeof poolWish>, before?: OwnLimits): OwnLimits =>
  limitsFrom(
    {
      rpm: given.poolRpm,
      tpm: given.poolTpm,
      concurrency: given.poolConcurrency,
      budgetTokens: given.poolBudgetTokens,
    },
    before,
  );

const changed = <Value>(given: Value | null | undefined, before: Value | undefined): Value | undefined =>
  given === undefined ? before : (given ?? undefined);
