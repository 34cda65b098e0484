import { int, num, numAbove, shortText, textOrList } from './check.ts';
import type { Check } from './check.ts';
import { CHAT, COMPLETIONS, GENERATE } from './field.ts';
import type { FieldFamily } from './field.ts';

/** A stop string is compared with the text after each token, so it has to stay short. */
const MAX_STOP_CHARS = 1024;

/** How the next token is chosen, and when to stop. */
export const sampling = {
  temperature: { on: GENERATE, policy: 'pass', type: () => num(0, 2) },
  top_p: { on: GENERATE, policy: 'pass', type: () => numAbove(0, 1) },
  presence_penalty: { on: GENERATE, policy: 'pass', type: () => num(-2, 2) },
  frequency_penalty: { on: GENERATE, policy: 'pass', type: () => num(-2, 2) },
  seed: { on: GENERATE, policy: 'pass', type: () => int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) },
  n: { on: GENERATE, policy: 'pass', type: ({ caps }) => int(1, caps.n) },
  stop: { on: GENERATE, policy: 'pass', type: ({ caps }) => stopCheck(caps.stop) },
  max_tokens: { on: GENERATE, policy: 'pass', type: () => int(1, Number.MAX_SAFE_INTEGER) },
  max_completion_tokens: { on: CHAT, policy: 'pass', type: () => int(1, Number.MAX_SAFE_INTEGER) },

  top_k: { on: GENERATE, policy: 'deny', why: 'Not in this version.' },
  min_p: { on: GENERATE, policy: 'deny', why: 'Not in this version.' },
  repetition_penalty: { on: GENERATE, policy: 'deny', why: 'Extreme values crash some drafters (CVE-2026-44223).' },
  min_tokens: { on: GENERATE, policy: 'deny', vllmDefault: 0, why: 'Forces long answers (CVE-2026-114051).' },
  ignore_eos: { on: GENERATE, policy: 'deny', vllmDefault: false, why: 'Always runs to the output limit.' },
  best_of: { on: GENERATE, policy: 'deny', why: 'Generates several answers for one that is counted.' },
  use_beam_search: {
    on: GENERATE,
    policy: 'deny',
    vllmDefault: false,
    why: 'Multiplies the work of every step by the width of the beam.',
  },
  length_penalty: { on: GENERATE, policy: 'deny', vllmDefault: 1, why: 'Belongs to beam search.' },
  stop_token_ids: { on: GENERATE, policy: 'deny', vllmDefault: [], why: 'Ids out of range; no bound on their count.' },
  include_stop_str_in_output: { on: GENERATE, policy: 'deny', vllmDefault: false, why: 'Not in this version.' },
  logit_bias: { on: GENERATE, policy: 'deny', why: 'Forces any text; vLLM accepts values that are not finite.' },
  allowed_token_ids: {
    on: GENERATE,
    policy: 'deny',
    why: 'Constrains requests of others too (CVE-2026-93840, CVE-2026-114049).',
  },
  bad_words: { on: GENERATE, policy: 'deny', vllmDefault: [], why: 'Changes the logits of others (CVE-2026-93989).' },
  logits_processors: { on: GENERATE, policy: 'deny', why: 'Imports code by its name.' },
  repetition_detection: { on: GENERATE, policy: 'deny', why: 'Work for each token without bound.' },
  thinking_token_budget: { on: GENERATE, policy: 'deny', why: 'Acts on other requests in some releases.' },
  reasoning_effort: { on: CHAT, policy: 'deny', why: 'Not in this version.' },
  include_reasoning: { on: CHAT, policy: 'deny', vllmDefault: true, why: 'Hides tokens that are paid for.' },
  watermarking: { on: GENERATE, policy: 'deny', why: 'A choice of the operator.' },
  suffix: { on: COMPLETIONS, policy: 'deny', why: 'vLLM does not support it.' },
} as const satisfies FieldFamily;

/** An empty list is vLLM's default and not sent on. */
function stopCheck(maxStops: number): Check {
  const check = textOrList(shortText(1, MAX_STOP_CHARS), maxStops);
  return (value) => (Array.isArray(value) && value.length === 0 ? undefined : check(value));
}
