import { ALL, EMBEDDINGS, GENERATE } from './field.ts';
import type { FieldFamily } from './field.ts';

/** Fields that speak to the engine behind the model: its queue, its caches, its plugins. */
export const engine = {
  priority: { on: ALL, policy: 'deny', vllmDefault: 0, why: 'Jumps the queue.' },
  request_id: { on: ALL, policy: 'deny', why: "Collides with others' requests (CVE-2026-116176)." },
  session_id: { on: GENERATE, policy: 'deny', why: "Rides on another caller's engine." },
  kv_transfer_params: {
    on: GENERATE,
    policy: 'deny',
    why: 'Makes the engine connect to hosts of the caller (CVE-2026-94622).',
  },
  ec_transfer_params: {
    on: GENERATE,
    policy: 'deny',
    why: 'Makes the engine connect to hosts of the caller (CVE-2026-94625).',
  },
  vllm_xargs: { on: GENERATE, policy: 'deny', why: 'Sets the same inner parameters by another name.' },
  additional_data: { on: EMBEDDINGS, policy: 'deny', why: 'Free data for plugins.' },
} as const satisfies FieldFamily;
