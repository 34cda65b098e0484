/** How large a prompt is, without its tokenizer. */
export interface Size {
  /** Bytes of text. */
  readonly bytes: number;
  /** Messages, parts, tools, documents: something is written around each. */
  readonly items: number;
  /** Token ids. */
  readonly numbers: number;
  readonly media: number;
}

/** Guesses the tokens of prompts and learns by what models really counted. */
export interface Estimator {
  /** Tokens that a prompt will hardly exceed; a whole number >= 1. */
  prompt(model: string, size: Size): number;
  /** Notes what a prompt really had. */
  learn(model: string, size: Size, tokens: number): void;
  /** Tokens that an answer can have got in a time, by the speed of those that ended; for answers whose end nobody saw. */
  writtenIn(model: string, durationMs: number): number;
  /** Notes how long an answer took. */
  learnSpeed(model: string, tokens: number, durationMs: number): void;
}

/** English has four bytes a token, code and other scripts three. */
const TOKENS_A_BYTE = 1 / 3;
/** A byte never becomes more than a token: tokenizers fall back to bytes. */
const MOST_TOKENS_A_BYTE = 1;
const LEAST_TOKENS_A_BYTE = 1 / 16;
/** What a template writes around all of it, and around each message. */
const AROUND = 12;
const AROUND_ITEM = 4;
/** A large image; small ones have less, recordings of half a minute about as many. */
const TOKENS_A_MEDIUM = 1_500;
/** Prompts below it tell what is written around them, those above how many bytes a token has. */
const LONG_BYTES = 1_024;
/** Weight of the newest observation. */
const ALPHA = 0.1;
/** So many mean deviations above the mean: what hardly any prompt exceeds. */
const DEVIATIONS = 3;
const TOKENS_A_SECOND = 100;
/** Callers ask for granted models only; whatever they do, memory is bounded. */
const MAX_MODELS = 1_024;

/** @param models what was learned before, of one thread */
export function createEstimator(): Estimator {
  const models = new Map<string, Learned>();

  function of(model: string): Learned {
    let learned = models.get(model);
    if (learned === undefined) {
      if (models.size >= MAX_MODELS) models.clear();
      learned = { perByte: spread(TOKENS_A_BYTE), around: spread(AROUND), perSecond: spread(TOKENS_A_SECOND) };
      models.set(model, learned);
    }
    return learned;
  }

  return {
    prompt(model, size) {
      const { perByte, around } = of(model);
      const each = Math.min(MOST_TOKENS_A_BYTE, Math.max(LEAST_TOKENS_A_BYTE, high(perByte)));
      return Math.max(1, Math.ceil(size.bytes * each + Math.max(0, high(around)) + fixed(size)));
    },
    learn(model, size, tokens) {
      // What media cost says nothing about texts.
      if (size.media > 0) return;
      const { perByte, around } = of(model);
      const rest = tokens - fixed(size);
      if (size.bytes >= LONG_BYTES) note(perByte, Math.max(0, rest - around.mean) / size.bytes);
      else note(around, rest - size.bytes * perByte.mean);
    },
    writtenIn: (model, durationMs) => Math.ceil((high(of(model).perSecond) * Math.max(0, durationMs)) / 1_000),
    learnSpeed(model, tokens, durationMs) {
      if (tokens > 0 && durationMs > 0) note(of(model).perSecond, (tokens * 1_000) / durationMs);
    },
  };
}

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
const fixed = ({ items, numbers, media }: Size): number => items * AROUND_ITEM + numbers + media * TOKENS_A_MEDIUM;

function note(of: Spread, value: number): void {
  of.deviation += ALPHA * (Math.abs(value - of.mean) - of.deviation);
  of.mean += ALPHA * (value - of.mean);
}
