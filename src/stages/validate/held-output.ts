import type { JsonArray } from '../../kernel/json.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';
import { createControlTokens, type ControlTokenMode } from './control-tokens.ts';

/**
 * Judges what a model said in a response that is to be continued, as if its caller sent it. What upstream holds cannot
 * be broken into harmless pieces, so where that is done with other texts it is refused here.
 *
 * @param extra the operator's own spellings
 */
export function createHeldOutput(
  mode: ControlTokenMode,
  extra: readonly string[],
): (model: string, output: JsonArray) => Denial | undefined {
  const check = createControlTokens(mode === 'neutralise' ? 'deny' : mode, extra);
  return (model, output) =>
    check(model, { output }) instanceof Refusal
      ? deny('prompt_denied', { param: 'previous_response_id', message: SPELLS })
      : undefined;
}

const SPELLS =
  'The model spelt one of its control tokens in this response. Send the conversation as input instead, without it.';
