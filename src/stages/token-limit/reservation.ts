import type { Usage } from '../../kernel/exchange.ts';
import { isBudget, type Limit } from '../../limits/limit.ts';
import { costOf, type Price, type Tokens } from '../../limits/prices.ts';

/** What a request may cost at most, before it is sent. */
export interface Bid {
  /** Tokens of its prompts, as they are estimated. */
  readonly input: number;
  /** Tokens that they have at least. */
  readonly least: number;
  /** Answers that it asks for, all prompts together; 0 where none is written token by token. */
  readonly choices: number;
  /** Tokens of each answer. */
  readonly each: number;
  readonly price: Price;
}

/** Units of a limit that tokens use up. */
export function unitsOf({ unit }: Limit, tokens: Tokens, price: Price): number {
  switch (unit) {
    case 'inputTokens':
      return tokens.input;
    case 'outputTokens':
      return tokens.output;
    case 'cost':
      return costOf(price, tokens);
    case 'tokens':
      return tokens.input + tokens.output;
    case 'requests':
      return 1;
    case 'streams':
    case 'concurrency':
      return 0;
  }
}

/** Tokens that a bid sets aside. Nothing is taken for cached: what upstream had already is not known before. */
export const tokensOf = ({ input, choices, each }: Bid): Tokens => ({ input, cached: 0, output: choices * each });

/** Tokens that were used until now, as far as upstream has told and its events show. */
export function tokensSoFar(
  { promptTokens, cachedTokens, completionTokens, deltas, guessed }: Usage,
  bid: Bid,
): Tokens {
  const certain = (completionTokens ?? 0) + deltas;
  // No guess brings an answer above what it may have: it would be cut, or charged, for tokens that upstream cannot have written.
  const output = Math.max(certain, Math.min(certain + guessed, bid.choices * bid.each));
  return { input: promptTokens ?? bid.input, cached: cachedTokens ?? 0, output };
}

/** Units of each limit that a stream has used until now, as far as upstream has told and its events show. */
export function unitsSoFar(usage: Usage, bid: Bid, limits: readonly Limit[]): number[] {
  const tokens = tokensSoFar(usage, bid);
  return limits.map((limit) => unitsOf(limit, tokens, bid.price));
}

/** Units that a bid sets aside of a limit. */
export const unitsOfBid = (limit: Limit, bid: Bid): number => unitsOf(limit, tokensOf(bid), bid.price);

/** Tokens of each answer for which so many units are room; 0 where not even the prompt has room. */
export function lengthWithin(units: number, { unit }: Limit, { input, choices, price }: Bid): number {
  if (choices === 0 || unit === 'inputTokens' || unit === 'requests') return Infinity;
  const left = unit === 'outputTokens' ? units : units - (unit === 'cost' ? input * price.input : input);
  const a = unit === 'cost' ? choices * price.output : choices;
  return a === 0 ? (left >= 0 ? Infinity : 0) : Math.max(0, Math.floor(left / a));
}

/**
 * Tokens below which an answer is not begun in what is left of a limit: of a budget, which does not come back soon, the last
 * one is worth it; of a rate it is better to wait.
 */
export const leastLength = (limit: Limit, each: number): number => (isBudget(limit) ? 1 : Math.min(each, WORTH_IT));

const WORTH_IT = 1_024;
