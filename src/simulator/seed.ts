import type { ValidationProblem } from './errors.ts';
import type { LaxObject } from './lax-json.ts';
import { pythonInput } from './python-text.ts';

/** Refuses a `seed` outside of a signed 64-bit integer: the one field whose bounds are part of vLLM's model. */
export function refuseSeed(body: LaxObject): ValidationProblem[] {
  const seed = body['seed'];
  if (typeof seed !== 'bigint' && typeof seed !== 'number') return [];
  const [type, side, name, limit] =
    seed > MAX ? ['less_than_equal', 'less', 'le', MAX] : ['greater_than_equal', 'greater', 'ge', MIN];
  if (seed <= MAX && seed >= MIN) return [];
  const msg = `Input should be ${side} than or equal to ${limit}`;
  return [{ type, loc: 'body.seed', msg, input: pythonInput(seed), ctx: `{'${name}': ${limit}}` }];
}

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);
