import * as z from 'zod';
import { routes as catalogue } from '../vllm/routes/index.ts';
import { operation, type Resource } from './operation.ts';

const routeShown = z.strictObject({
  id: z.string(),
  methods: z.array(z.string()),
  path: z.string(),
  class: z.enum(['inference', 'metadata', 'admin', 'debug']),
  scope: z.string().nullable().describe('What a credential must carry where the route is open.'),
  open: z.boolean(),
  openable: z.boolean().describe('`validation.openRoutes` can open it.'),
  why: z.string(),
});
const routeList = z.strictObject({ items: z.array(routeShown), next: z.null() });

/** A route of vLLM and what the gateway does with it. */
export type RouteShown = z.output<typeof routeShown>;

/** Every route of vLLM that is known. */
export function showRoutes(): RouteShown[] {
  return catalogue.map(({ id, methods, path, class: kind, scope, policy, openedBy, why }) => ({
    id,
    methods: [...methods],
    path,
    class: kind,
    scope: scope ?? null,
    open: policy === 'open' || policy === 'own',
    openable: policy === 'openable' && openedBy === undefined,
    why,
  }));
}

/** The catalogue of routes. */
export const routes: Resource = {
  name: 'routes',
  schemas: { Route: routeShown, RouteList: routeList },
  operations: () => [
    operation({
      id: 'listRoutes',
      method: 'GET',
      path: '/routes',
      scope: 'admin:read',
      summary: 'List every known route of vLLM: open or closed, and why.',
      status: 200,
      response: routeList,
      example: {
        items: [
          {
            id: 'chat-completions',
            methods: ['POST'],
            path: '/v1/chat/completions',
            class: 'inference',
            scope: 'inference:chat',
            open: true,
            openable: false,
            why: 'Chat in the OpenAI format, every field checked.',
          },
        ],
        next: null,
      },
      handle: () => ({ value: { items: showRoutes(), next: null } }),
    }),
  ],
};
