import * as z from 'zod';
import { routes as catalogue } from '../vllm/routes/index.ts';
import { openedRoutes } from '../vllm/routes/opened.ts';
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

/** Every route of vLLM that is known. @param opened ids of the openable routes that the configuration opens */
export function showRoutes(opened: ReadonlySet<string> = new Set()): RouteShown[] {
  return catalogue.map(({ id, methods, path, class: kind, scope, policy, openedBy, why }) => ({
    id,
    methods: [...methods],
    path,
    class: kind,
    scope: scope ?? null,
    open: policy === 'open' || policy === 'own' || (policy === 'openable' && opened.has(id)),
    openable: policy === 'openable' && openedBy === undefined,
    why,
  }));
}

/** The part of the configuration, as it is printed, that opens routes. */
const openings = z.object({
  validation: z.object({
    openRoutes: z.array(z.string()),
    loraPaths: z.array(z.string()),
    storedResponses: z.boolean(),
  }),
});
const openedBy = (config: unknown): ReadonlySet<string> => {
  const { success, data } = openings.safeParse(config);
  return success ? openedRoutes(data.validation) : new Set();
};

/** The catalogue of routes. */
export const routes: Resource = {
  name: 'routes',
  schemas: { Route: routeShown, RouteList: routeList },
  operations: (deps) => [
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
      handle: () => ({ value: { items: showRoutes(openedBy(deps.config())), next: null } }),
    }),
  ],
};
