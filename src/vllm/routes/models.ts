import type { RouteRow } from './route.ts';

/** Routes that tell about the server: its models, health, version and figures. */
export const models = [
  {
    id: 'models',
    path: '/v1/models',
    methods: ['GET'],
    class: 'metadata',
    scope: 'models:read',
    policy: 'own',
    family: 'models',
    why: "Answered by the gateway with the caller's models only; vLLM's own answer tells file paths.",
  },
  {
    id: 'health',
    path: '/health',
    methods: ['GET'],
    class: 'metadata',
    policy: 'closed',
    why: 'Health is at /healthz and /readyz of the gateway.',
  },
  {
    id: 'ping',
    path: '/ping',
    methods: ['GET', 'POST'],
    class: 'metadata',
    policy: 'closed',
    why: 'Health is at /healthz and /readyz of the gateway.',
  },
  {
    id: 'version',
    path: '/version',
    methods: ['GET'],
    class: 'metadata',
    policy: 'closed',
    why: 'The version tells an attacker which advisories apply.',
  },
  {
    id: 'load',
    path: '/load',
    methods: ['GET'],
    class: 'metadata',
    policy: 'closed',
    why: 'The load of the server is no business of its callers.',
  },
  {
    id: 'metrics',
    path: '/metrics*',
    methods: ['GET'],
    class: 'metadata',
    policy: 'closed',
    why: 'Figures of all callers together; those of the gateway are on the admin listener.',
  },
  {
    id: 'kv-event-sources',
    path: '/kv_event_sources',
    methods: ['GET'],
    class: 'metadata',
    policy: 'closed',
    since: '0.32.0',
    why: 'Tells inner addresses where blocks of prompts are published.',
  },
] as const satisfies readonly RouteRow[];
