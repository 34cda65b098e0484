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
 * Guesses the tokens of prompts and learns by what models really counted. What is learnt of one `kind` of prompts, such as
 * those of one tenant for one model, is used for that kind alone: nobody can make the estimates of others wrong.
 */
export interface Estimator {
  /** Tokens that a prompt will hardly exceed; a whole number >= 1. */
  prompt(kind: string, size: Size): number;
  /** Notes what a prompt really had. */
  learn(kind: string, size: Size, tokens: number): void;
  /** Tokens that an answer can have got in a time, by the speed of those that ended; for answers whose end nobody saw. */
  writtenIn(kind: string, durationMs: number): number;
  /** Notes how long an answer took. */
  learnSpeed(kind: string, tokens: number, durationMs: number): void;
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
  const kinds = new Map<string, Learned>();

  function of(kind: string): Learned {
    let learned = kinds.get(kind);
    if (learned === undefined) {
      if (kinds.size >= MAX_KINDS) kinds.clear();
      learned = { perByte: spread(TOKENS_A_BYTE), around: spread(AROUND), perSecond: spread(TOKENS_A_SECOND) };
      kinds.set(kind, learned);
    }
    return learned;
  }

  return {
    prompt(kind, size) {
      const { perByte, around } = of(kind);
      const each = within(high(perByte), LEAST_TOKENS_A_BYTE, MOST_TOKENS_A_BYTE);
      return Math.max(1, Math.ceil(size.bytes * each + within(high(around), AROUND, MOST_AROUND) + fixed(size)));
    },
    learn(kind, size, tokens) {
      // What media cost says nothing about texts.
      if (size.media > 0) return;
      const { perByte, around } = of(kind);
      const rest = tokens - fixed(size);
      if (size.bytes >= LONG_BYTES) note(perByte, within((rest - around.mean) / size.bytes, 0, MOST_TOKENS_A_BYTE));
      else note(around, within(rest - size.bytes * perByte.mean, 0, MOST_AROUND));
    },
    writtenIn(kind, durationMs) {
      const speed = within(high(of(kind).perSecond), LEAST_TOKENS_A_SECOND, MOST_TOKENS_A_SECOND);
      return Math.ceil((speed * Math.max(0, durationMs)) / 1_000);
    },
    learnSpeed(kind, tokens, durationMs) {
      if (tokens > 0 && durationMs > 0)
        note(of(kind).perSecond, within((tokens * 1_000) / durationMs, 0, MOST_TOKENS_A_SECOND));
    },
  };
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

interface Learned {
  readonly perByte: Spread;
  readonly around: Spread;
  readonly perSecond: Spread;
}

const spread = (mean: number): Spread => ({ mean, deviation: 0 });
const high = ({ mean, deviation }: Spread): number => mean + DEVIATIONS * deviation;
const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
const fixed = ({ items, numbers, media }: Size): number => items * AROUND_ITEM + numbers + media * TOKENS_A_MEDIUM;

function note(of: Spread, value: number): void {
  of.deviation += ALPHA * (Math.abs(value - of.mean) - of.deviation);
  of.mean += ALPHA * (value - of.mean);
}
