import { EVERY_ROUTE, type PatchFamily } from './patch.ts';
import { chat } from './samples.ts';

/** Fields that reach the connectors by which engines hand blocks of prompts to each other. */
export const transfer = [
  {
    id: 'kv-transfer-params',
    advisories: ['CVE-2026-94622', 'CVE-2026-94625', 'CVE-2026-94626', 'CVE-2026-94627'],
    releases: { lastAffected: '0.29.0' },
    costs: 'A router of disaggregated prefill that speaks through the gateway.',
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'kv_transfer_params', is: 'present' },
        { field: 'ec_transfer_params', is: 'present' },
        // The same inner parameters by other names.
        { field: 'vllm_xargs.kv_transfer_params', is: 'present' },
        { field: 'vllm_xargs.ec_transfer_params', is: 'present' },
        { field: 'sampling_params.extra_args', is: 'filled' },
      ],
    },
    message: 'Leave this field out: only the router of the servers may set it.',
    stops: chat({ kv_transfer_params: { do_remote_prefill: true, remote_host: '192.0.2.7', tp_size: 1_000_000 } }),
    passes: chat({ kv_transfer_params: null }),
  },
] as const satisfies PatchFamily;
