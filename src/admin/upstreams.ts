import * as z from 'zod';
import { operation, type Resource } from './operation.ts';

const upstreamShown = z.strictObject({
  name: z.string(),
  url: z.string(),
  state: z.enum(['up', 'down', 'unknown']),
  version: z.string().nullable(),
  models: z.array(z.string()),
  contexts: z.record(z.string(), z.int()).describe('Context lengths in tokens, by model (`max_model_len`).'),
  outstanding: z.int().describe('Requests that wait for its answer or stream from it.'),
  waiting: z.int().describe('Requests that wait in its queue here for a place.'),
  limit: z.int().nullable().describe('Most requests at once, configured or found; null for no limit.'),
  engine: z
    .strictObject({
      running: z.number(),
      waiting: z.number(),
      cacheUsage: z.number().nullable().describe('Part of its KV cache that is in use, 0 to 1.'),
    })
    .nullable()
    .describe('What the engine last said of its load; it is asked only while it has something to do.'),
  firstByteMs: z.number().nullable().describe('Mean time to the first byte of streams, as last seen.'),
  why: z.string().nullable().describe('Why it is down or unknown.'),
});

/** All upstreams. */
export const upstreamList = z.strictObject({ items: z.array(upstreamShown), next: z.null() });

/** An upstream's state for people. */
export type UpstreamShown = z.output<typeof upstreamShown>;

/** The vLLM servers behind the gateway. */
export const upstreams: Resource = {
  name: 'upstreams',
  schemas: { Upstream: upstreamShown, UpstreamList: upstreamList },
  operations: (deps) => [
    operation({
      id: 'listUpstreams',
      method: 'GET',
      path: '/upstreams',
      scope: 'admin:read',
      summary: 'List the upstreams: state, version, models, load, and why one is down.',
      status: 200,
      response: upstreamList,
      example: {
        items: [
          {
            name: 'main',
            url: 'http://127.0.0.1:8000',
            state: 'up',
            version: '0.32.0',
            models: ['tiny'],
            contexts: { tiny: 2048 },
            outstanding: 3,
            waiting: 0,
            limit: null,
            engine: { running: 3, waiting: 0, cacheUsage: 0.02 },
            firstByteMs: 84,
            why: null,
          },
        ],
        next: null,
      },
      handle: () => ({
        value: {
          items: deps.upstreams().map(({ version, models, contexts, why, limit, engine, firstByteMs, ...one }) => ({
            ...one,
            limit: limit ?? null,
            engine: engine === undefined ? null : { ...engine, cacheUsage: engine.cacheUsage ?? null },
            firstByteMs: firstByteMs === undefined ? null : Math.round(firstByteMs),
            version: version ?? null,
            models: [...models],
            contexts: { ...contexts },
            why: why ?? null,
          })),
          next: null,
        },
      }),
    }),
  ],
};
