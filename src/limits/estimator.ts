/** How large a prompt is, without its tokenizer. */
export interface Size {
  /** Bytes of text, names of members among them where they are written into the prompt. */
  readonly bytes: number;
  /** Messages, parts, tools, documents: something is written around each. */
  readonly items: number;
  /** Token ids. */
  readonly numbers: number;
  readonly media: number;
}

/**
 * Guesses the tokens of prompts and learns by what models really counted. What one tenant's prompts for one model teach is
 * used for that alone: nobody can make the estimates of others wrong.
 */
export interface Estimator {
  /** The estimate of one tenant's prompts on one family of routes and one model; may be kept for as long as a request lasts. */
  of(tenant: string, family: string, model: string): Estimate;
}

/** What is known of prompts of one kind. */
export interface Estimate {
  /** Tokens that a prompt will hardly exceed; a whole number >= 1. */
  prompt(size: Size): number;
  /** Notes what a prompt really had. */
  learn(size: Size, tokens: number): void;
  /** Tokens that an answer can have got in a time, by the speed of those that ended; for answers whose end nobody saw. */
  writtenIn(durationMs: number): number;
  /** Notes how long an answer took. */
  learnSpeed(tokens: number, durationMs: number): void;
}

/** English has four bytes a token, code and other scripts three. */
const TOKENS_A_BYTE = 1 / 3;
/** A byte never becomes more than a token: tokenizers fall back to bytes. */
const MOST_TOKENS_A_BYTE = 1;
/** Nobody's prompts teach less: who sent what has few tokens could else send what has many as if it had few. */
const LEAST_TOKENS_A_BYTE = 1 / 4;
/** What a template writes around all of it, and around each message. */
const AROUND = 12;
const MOST_AROUND = 512;
const AROUND_ITEM = 2;
const MOST_AROUND_ITEM = 64;
/** A large image; small ones have less, recordings of half a minute about as many. */
const TOKENS_A_MEDIUM = 1_500;
const MOST_TOKENS_A_MEDIUM = 20_000;
/** Prompts below it tell what is written around them, those above how many bytes a token has. */
const LONG_BYTES = 1_024;
/** Weight of the newest observation. */
const ALPHA = 0.1;
/** So many mean deviations above the mean: what hardly any prompt exceeds. */
const DEVIATIONS = 3;
const TOKENS_A_SECOND = 100;
const LEAST_TOKENS_A_SECOND = 20;
const MOST_TOKENS_A_SECOND = 2_000;
/** Whatever callers do, memory is bounded. */
const MAX_KINDS = 4_096;

/** Of one thread. */
export function createEstimator(): Estimator {
  // Maps of maps: to put the names together for each request would cost more than all that is reckoned here.
  const tenants = new Map<string, Map<string, Map<string, Learned>>>();
  let kinds = 0;

  return {
    of(tenant, family, model) {
      const known = tenants.get(tenant)?.get(model)?.get(family);
      if (known !== undefined) return known;
      if (kinds >= MAX_KINDS) {
        tenants.clear();
        kinds = 0;
      }
      kinds++;
      const learned = new Learned();
      within(within(tenants, tenant), model).set(family, learned);
      return learned;
    },
  };
}

/** The map under a name, begun where there is none. */
function within<Value>(maps: Map<string, Map<string, Value>>, name: string): Map<string, Value> {
  let found = maps.get(name);
  if (found === undefined) maps.set(name, (found = new Map<string, Value>()));
  return found;
}

class Learned implements Estimate {
  readonly #perByte = spread(TOKENS_A_BYTE);
  readonly #around = spread(AROUND);
  readonly #perSecond = spread(TOKENS_A_SECOND);

  prompt(size: Size): number {
    const each = clamp(high(this.#perByte), LEAST_TOKENS_A_BYTE, MOST_TOKENS_A_BYTE);
    return Math.max(1, Math.ceil(size.bytes * each + clamp(high(this.#around), AROUND, MOST_AROUND) + fixed(size)));
  }

  learn(size: Size, tokens: number): void {
    // What media cost says nothing about texts.
    if (size.media > 0) return;
    const rest = tokens - fixed(size);
    if (size.bytes >= LONG_BYTES) {
      note(this.#perByte, clamp((rest - this.#around.mean) / size.bytes, 0, MOST_TOKENS_A_BYTE));
    } else note(this.#around, clamp(rest - size.bytes * this.#perByte.mean, 0, MOST_AROUND));
  }

  writtenIn(durationMs: number): number {
    const speed = clamp(high(this.#perSecond), LEAST_TOKENS_A_SECOND, MOST_TOKENS_A_SECOND);
    return Math.ceil((speed * Math.max(0, durationMs)) / 1_000);
  }

  learnSpeed(tokens: number, durationMs: number): void {
    if (tokens > 0 && durationMs > 0)
      note(this.#perSecond, clamp((tokens * 1_000) / durationMs, 0, MOST_TOKENS_A_SECOND));
  }
}

/** Tokens that a prompt has as a rule at least, whatever was learnt. */
export const leastTokens = ({ bytes, numbers }: Size): number => Math.floor(bytes * LEAST_TOKENS_A_BYTE) + numbers;

/** Tokens that no tokenizer can exceed, for a size that holds all of a prompt: what says more is wrong. */
export const mostTokens = ({ bytes, items, numbers, media }: Size): number =>
  bytes * MOST_TOKENS_A_BYTE + MOST_AROUND * 8 + items * MOST_AROUND_ITEM + numbers + media * MOST_TOKENS_A_MEDIUM;

/** Mean and mean deviation, by exponentially weighted averages. */
interface Spread {
  mean: number;
  deviation: number;
}

const spread = (mean: number): Spread => ({ mean, deviation: 0 });
const high = ({ mean, deviation }: Spread): number => mean + DEVIATIONS * deviation;
const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
const fixed = ({ items, numbers, media }: Size): number => items * AROUND_ITEM + numbers + media * TOKENS_A_MEDIUM;

function note(of: Spread, value: number): void {
  of.deviation += ALPHA * (Math.abs(value - of.mean) - of.deviation);
  of.mean += ALPHA * (value - of.mean);
}
