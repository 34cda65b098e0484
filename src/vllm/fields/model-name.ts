import type { Check } from './field.ts';
import { invalid } from './refusal.ts';

const MAX_MODEL_CHARS = 256;
const MODEL_NAME = `Give the name of a model: at most ${MAX_MODEL_CHARS} characters, none of them invisible.`;
/** What logs and terminals act on or do not show (controls, formats, line breaks), and halves of a character. */
const NOT_IN_NAME = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Whether a text can be the name of a model. */
export const isModelName = (text: string): boolean => text.length <= MAX_MODEL_CHARS && !NOT_IN_NAME.test(text);

/** Bounds what a caller can put into logs and metrics: while no list of models is known, any name gets that far. */
export const modelName: Check = (value) =>
  typeof value === 'string' && isModelName(value) ? value : invalid(MODEL_NAME);

/** Letters and digits, and inside the signs that names of models have; no segment of a path that leads elsewhere. */
const NEW_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_:@+-]|[./](?![./]|$))*$/;

/**
 * A name that a model gets by a caller, and that others are then granted and asked by: one that grants and paths read as
 * something else (`*`, `../x`) would be taken for that. An empty one is no name at all, which is told as such.
 */
export const newModelName: Check = (value, context) => {
  const name = modelName(value, context);
  return typeof name !== 'string' || name === '' || NEW_NAME.test(name)
    ? name
    : invalid('Give a name of letters and digits, with . _ : @ + - and single slashes inside.');
};
