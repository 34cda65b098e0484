import { GENERATE, POOLING, SCORE } from './field.ts';
import type { BodyKind, FieldFamily } from './field.ts';

const PROMPTED = [...GENERATE, 'responses', 'messages'] as const satisfies readonly BodyKind[];
const CONNECTS = 'Makes the engine connect to hosts of the caller (CVE-2026-94622, CVE-2026-94625).';
const TENANT = "Another tenant's prefix cache tells what that one has sent (CVE-2025-46570): the gateway sets its own.";

/** Fields that speak to the engine behind the model: its queue, its caches, its plugins. */
export const engine = {
  cache_salt: { on: [...PROMPTED, ...POOLING, ...SCORE], policy: 'overwrite', why: TENANT },
  priority: {
    on: [...GENERATE, ...POOLING, ...SCORE, 'responses', 'cohere-embed'],
    policy: 'deny',
    vllmDefault: 0,
    why: 'Jumps the queue.',
  },
  request_id: {
    on: [...GENERATE, ...POOLING, ...SCORE, 'responses'],
    policy: 'deny',
    why: "Collides with others' requests (CVE-2026-116176).",
  },
  session_id: { on: [...GENERATE, 'responses'], policy: 'deny', why: "Rides on another caller's engine." },
  kv_transfer_params: { on: PROMPTED, policy: 'deny', why: CONNECTS },
  ec_transfer_params: { on: PROMPTED, policy: 'deny', why: CONNECTS },
  vllm_xargs: {
    on: [...PROMPTED, 'transcription'],
    policy: 'deny',
    why: 'Sets the same inner parameters by another name.',
  },
  additional_data: { on: [...POOLING, ...SCORE], policy: 'deny', why: 'Free data for plugins.' },
} as const satisfies FieldFamily;
