/** Prices of a model for a million tokens. */
export interface Price {
  readonly input: number;
  /** Of what upstream had of a prompt already; undefined: as input. */
  readonly cached?: number | undefined;
  readonly output: number;
}

/** Tokens of one request. */
export interface Tokens {
  readonly input: number;
  /** Of the input. */
  readonly cached: number;
  readonly output: number;
}

/** Prices by model; `*` for all others. */
export type Prices = Readonly<Record<string, Price>>;

const FREE: Price = { input: 0, output: 0 };

/** The price of a model; nothing where none is set. */
export function priceOf(prices: Prices, model: string): Price {
  if (Object.hasOwn(prices, model)) return prices[model] ?? FREE;
  return (Object.hasOwn(prices, '*') ? prices['*'] : undefined) ?? FREE;
}

/**
 * What tokens cost in millionths of the prices' unit, rounded up: a price for a million tokens is one of millionths for one.
 */
export function costOf({ input, cached = input, output }: Price, tokens: Tokens): number {
  const fromCache = Math.min(tokens.cached, tokens.input);
  const exact = (tokens.input - fromCache) * input + fromCache * cached + tokens.output * output;
  // Sums of decimal fractions are a little off, and must not round up to one more.
  return Math.ceil(exact - 1e-6);
}
