import { EVERY_ROUTE, type PatchFamily } from './patch.ts';

/** Names that a caller gives to its request, which vLLM uses as its own. */
export const identity = [
  {
    id: 'request-id',
    advisories: ['CVE-2026-105755', 'CVE-2026-116176'],
    releases: { fixed: '0.30.0' },
    on: EVERY_ROUTE,
    when: { field: 'request_id', is: 'present' },
    message: 'Leave request_id out: the gateway names each request itself, in x-request-id.',
    stops: {
      route: 'score-v1',
      body: { model: 'tiny', queries: 'a', documents: ['b'], request_id: '___decode_addr_192.0.2.7:5710_0f' },
    },
    passes: { route: 'score-v1', body: { model: 'tiny', queries: 'a', documents: ['b'] } },
  },
] as const satisfies PatchFamily;
