import * as z from 'zod';
import { deny } from '../kernel/reasons.ts';
import type { RunningView } from '../kernel/running-view.ts';
import { operation, type Resource } from './operation.ts';

const stream = z.strictObject({
  id: z.string().describe('The x-request-id of its answer.'),
  holder: z.string().describe('key: and the public id of an API key, or token: with issuer and subject.'),
  tenant: z.string(),
  address: z.string(),
  route: z.string(),
  model: z.string().nullable(),
  isStream: z.boolean(),
  startedAt: z.iso.datetime(),
  ageMs: z.int(),
  promptTokens: z.int().nullable().describe('null until upstream has told.'),
  outputTokens: z.int().describe('Tokens of the answer until now.'),
  tokensPerSecond: z.number(),
});

/** A request that runs, as it is shown. */
export type StreamShown = z.output<typeof stream>;

/** What upstreams are answering now. */
export const streamList = z.strictObject({ items: z.array(stream), next: z.null() });
/** A request that was ended. */
export const streamStopped = z.strictObject({ id: z.string(), holder: z.string(), state: z.literal('stopped') });

const example = {
  id: '8f5be670-9f57-4221-891a-60166421f964',
  holder: 'key:Ab12Cd',
  tenant: 'default',
  address: '192.0.2.1',
  route: 'chat-completions',
  model: 'tiny',
  isStream: true,
  startedAt: '2030-01-01T00:00:00.000Z',
  ageMs: 2_000,
  promptTokens: 20,
  outputTokens: 64,
  tokensPerSecond: 32,
};

/** Requests that run now. */
export const streams: Resource = {
  name: 'streams',
  schemas: { StreamList: streamList, StreamStopped: streamStopped },
  operations: (deps) => [
    operation({
      id: 'listStreams',
      method: 'GET',
      path: '/streams',
      scope: 'admin:read',
      summary:
        'List the requests that upstreams are answering now, the oldest first; with Accept: text/event-stream, every second.',
      live: 'streams',
      status: 200,
      response: streamList,
      example: { items: [example], next: null },
      async handle() {
        const views = (await deps.running()).toSorted((a, b) => a.startedAtMs - b.startedAtMs);
        return { value: { items: views.map((view) => shown(view, deps.clock.nowMs())), next: null } };
      },
    }),
    operation({
      id: 'stopStream',
      method: 'POST',
      path: '/streams/{id}/stop',
      scope: 'admin:write',
      summary: 'End a request that runs: its caller gets an error event, and upstream stops working for it.',
      status: 200,
      response: streamStopped,
      example: { id: example.id, holder: example.holder, state: 'stopped' },
      async handle({ id, actor }) {
        const stopped = await deps.stopRunning(id);
        if (stopped === undefined) return deny('unknown_object');
        deps.logChange(actor, 'streams.stop', id);
        return { value: { id, holder: stopped.holder, state: 'stopped' as const } };
      },
    }),
  ],
};

function shown(view: RunningView, nowMs: number): StreamShown {
  const { requestId, startedAtMs, promptTokens = null, model = null, outputTokens, ...rest } = view;
  const ageMs = Math.max(0, nowMs - startedAtMs);
  return {
    ...rest,
    id: requestId,
    model,
    startedAt: new Date(startedAtMs).toISOString(),
    ageMs,
    promptTokens,
    outputTokens,
    tokensPerSecond: ageMs === 0 ? 0 : Math.round((outputTokens * 10_000) / ageMs) / 10,
  };
}
