import { parseBudget } from '../kernel/own-limits.ts';
import { UsageError } from './command.ts';
import type { FlagKinds, Flags } from './flags.ts';
import { limitOf, present } from './text.ts';

/** Flags for limits that a holder carries itself. */
export const LIMIT_FLAGS: FlagKinds = { rpm: 'text', tpm: 'text', concurrency: 'text', 'budget-tokens': 'text' };

/** Flags for limits that all members of something share. */
export const POOL_FLAGS: FlagKinds = {
  'pool-rpm': 'text',
  'pool-tpm': 'text',
  'pool-concurrency': 'text',
  'pool-budget-tokens': 'text',
};

/** The limits that flags name, as the admin API takes them. @throws UsageError */
export const limitFieldsOf = (flags: Flags): object =>
  present({
    rpm: limitOf(flags, 'rpm'),
    tpm: limitOf(flags, 'tpm'),
    concurrency: limitOf(flags, 'concurrency'),
    budgetTokens: budgetOf(flags, 'budget-tokens'),
  });

/** The same for shared limits. @throws UsageError */
export const poolFieldsOf = (flags: Flags): object =>
  present({
    poolRpm: limitOf(flags, 'pool-rpm'),
    poolTpm: limitOf(flags, 'pool-tpm'),
    poolConcurrency: limitOf(flags, 'pool-concurrency'),
    poolBudgetTokens: budgetOf(flags, 'pool-budget-tokens'),
  });

/** Limits for people. */
export const limitFacts = (one: {
  readonly rpm: number | string | null;
  readonly tpm: number | string | null;
  readonly concurrency: number | string | null;
  readonly budgetTokens: string | null;
}): [string, string][] => [
  ['rpm', String(one.rpm ?? 'default')],
  ['tpm', String(one.tpm ?? 'default')],
  ['concurrency', String(one.concurrency ?? 'default')],
  ['token budget', one.budgetTokens ?? 'default'],
];

/** Shared limits for people. */
export const poolFacts = (one: {
  readonly poolRpm: number | string | null;
  readonly poolTpm: number | string | null;
  readonly poolConcurrency: number | string | null;
  readonly poolBudgetTokens: string | null;
}): [string, string][] =>
  Object.entries({
    'pool rpm': one.poolRpm,
    'pool tpm': one.poolTpm,
    'pool concurrency': one.poolConcurrency,
    'pool token budget': one.poolBudgetTokens,
  }).flatMap(([name, value]): [string, string][] => (value === null ? [] : [[name, String(value)]]));

/** What a flag says of a budget; the answer of the admin API has the sane range. @throws UsageError */
function budgetOf(flags: Flags, name: string): string | undefined {
  const word = flags.text(name);
  if (word === undefined || word === 'none' || parseBudget(word) !== undefined) return word;
  throw new UsageError(`--${name} is a number of tokens in a time, such as 1000000/day (hour, day or month), or none.`);
}
