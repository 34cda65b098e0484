import type { Check } from './field.ts';
import { invalid } from './refusal.ts';

const MAX_MODEL_CHARS = 256;
const MODEL_NAME = `Give the name of a model: at most ${MAX_MODEL_CHARS} characters, none of them invisible.`;
/** What logs and terminals act on or do not show (controls, formats, line breaks), and halves of a character. */
const NOT_IN_NAME = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Bounds what a caller can put into logs and metrics: while no list of models is known, any name gets that far. */
export const modelName: Check = (value) =>
  typeof value === 'string' && value.length <= MAX_MODEL_CHARS && !NOT_IN_NAME.test(value)
    ? value
    : invalid(MODEL_NAME);
