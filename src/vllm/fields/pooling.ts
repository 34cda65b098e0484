import { oneOf } from './check.ts';
import type { Check, FieldFamily } from './field.ts';
import { Refusal } from './refusal.ts';

const TASKS = ['embed', 'classify', 'score', 'token_embed', 'token_classify', 'embed&token_classify'] as const;
const taskWord = oneOf(...TASKS);
const taskCheck: Check = (value, context) =>
  value === 'plugin'
    ? new Refusal('forbidden_field', '', `Plugins are closed at the gateway. Open are ${TASKS.join(', ')}.`)
    : taskWord(value, context);

/** Fields of raw pooling. */
export const pooling = {
  task: { on: ['pooling'], policy: 'pass', type: taskCheck },
  data: { on: ['pooling'], policy: 'deny', why: 'Free data for plugins.', instead: 'input' },
} as const satisfies FieldFamily;
