import type { RouteRow } from './route.ts';

/** Routes that load and unload adapters. */
export const lora = [
  {
    id: 'load-lora-adapter',
    path: '/v1/load_lora_adapter',
    methods: ['POST'],
    class: 'admin',
    scope: 'lora:write',
    policy: 'openable',
    openedBy: 'loraPaths',
    family: 'load-lora',
    why: 'Loads weights that everyone is then served with; open while validation.loraPaths lists where from.',
  },
  {
    id: 'unload-lora-adapter',
    path: '/v1/unload_lora_adapter',
    methods: ['POST'],
    class: 'admin',
    scope: 'lora:write',
    policy: 'closed',
    why: 'Not in this version: it takes an adapter away from everyone.',
  },
  {
    id: 'adapters-load',
    path: '/adapters',
    methods: ['POST'],
    class: 'admin',
    policy: 'closed',
    since: '0.16.0',
    why: 'Loads weights from any path or hub name, and vLLM asks no key for it.',
  },
  {
    id: 'adapters-unload',
    path: '/adapters/{adapter_name}',
    methods: ['DELETE'],
    class: 'admin',
    policy: 'closed',
    since: '0.16.0',
    why: 'Takes an adapter away from everyone, and vLLM asks no key for it.',
  },
] as const satisfies readonly RouteRow[];
