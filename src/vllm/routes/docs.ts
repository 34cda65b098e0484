import type { RouteRow } from './route.ts';

/** Routes that document vLLM's interface. */
export const docs = [
  {
    id: 'openapi',
    path: '/openapi.json',
    methods: ['GET'],
    class: 'metadata',
    policy: 'closed',
    why: 'Lists every route and field of the server, closed ones too.',
  },
  {
    id: 'docs',
    path: '/docs',
    methods: ['GET'],
    class: 'metadata',
    policy: 'closed',
    why: 'Lists every route and field of the server, closed ones too.',
  },
  {
    id: 'docs-oauth2-redirect',
    path: '/docs/oauth2-redirect',
    methods: ['GET'],
    class: 'metadata',
    policy: 'closed',
    why: 'A script of the documentation pages; nothing here signs in through it.',
  },
  {
    id: 'redoc',
    path: '/redoc',
    methods: ['GET'],
    class: 'metadata',
    policy: 'closed',
    why: 'Lists every route and field of the server, closed ones too.',
  },
  {
    id: 'static',
    path: '/static/*',
    methods: ['GET'],
    class: 'metadata',
    policy: 'closed',
    since: '0.16.0',
    why: 'Files of the documentation pages.',
  },
] as const satisfies readonly RouteRow[];
