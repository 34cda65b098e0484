import { setTimeout as sleep } from 'node:timers/promises';
import { load, type LoadResult } from './load.ts';
import type { RunningPeer } from './peers/peer.ts';
import { cpuUs, OPEN_FILES, residentBytes } from './processes.ts';

/** What one measurement of one peer gave, by the name of its row. */
export type Figures = Readonly<Record<string, number>>;

/** Something that is measured of every peer in turn. */
export interface Scenario {
  readonly id: string;
  readonly isTls: boolean;
  /** Measured once, not in rounds: it is long and hardly varies. */
  readonly isOnce?: boolean;
  /** So that code is compiled and connections are open. */
  readonly warmUp: (peer: RunningPeer) => Promise<unknown>;
  readonly measure: (peer: RunningPeer, seconds: number) => Promise<Figures>;
}

/** A row of the table. */
export interface Row {
  readonly figure: string;
  readonly title: string;
  readonly unit: 'us' | 'ms' | 'MiB';
  /** What the gateway has to keep: times nginx, above nginx, or in all. */
  readonly most?: { readonly timesNginx?: number; readonly aboveNginx?: number; readonly atMost?: number };
}

/** Rows in the order of the table. */
export const ROWS: readonly Row[] = [
  { figure: 'json-small', title: 'JSON 0.3 KB, CPU per request', unit: 'us', most: { timesNginx: 5.5 } },
  { figure: 'json-8k', title: 'JSON 8 KB both ways, CPU per request', unit: 'us', most: { timesNginx: 5 } },
  { figure: 'tls-small', title: 'JSON 0.3 KB over TLS 1.3, CPU per request', unit: 'us', most: { timesNginx: 5 } },
  { figure: 'tls-8k', title: 'JSON 8 KB over TLS 1.3, CPU per request', unit: 'us', most: { timesNginx: 5 } },
  {
    figure: 'sse-paced',
    title: 'SSE, 200 streams x 200 chunks at 10 ms, CPU per chunk',
    unit: 'us',
    most: { timesNginx: 2.3 },
  },
  { figure: 'sse-age', title: 'SSE paced, chunk age p99', unit: 'ms', most: { aboveNginx: 8 } },
  { figure: 'sse-burst', title: 'SSE burst, CPU per chunk', unit: 'us' },
  { figure: 'added-p50', title: 'Latency added at 500 requests/s, p50', unit: 'ms' },
  { figure: 'added-p99', title: 'Latency added at 500 requests/s, p99', unit: 'ms', most: { aboveNginx: 2 } },
  { figure: 'rss', title: 'Resident memory after the JSON runs', unit: 'MiB' },
  { figure: 'rss-open', title: 'Resident memory with 10,000 open streams', unit: 'MiB', most: { atMost: 600 } },
];

const QUESTION = 'Hello there, how are you today? Tell me a story about the sea.';
const question = (bytes: number) => QUESTION.repeat(Math.ceil(bytes / QUESTION.length)).slice(0, bytes);

const small = {
  model: 'tiny',
  messages: [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content: QUESTION },
  ],
  max_tokens: 64,
  temperature: 0.7,
  top_p: 0.95,
  seed: 7,
};
const large = { ...small, messages: [{ role: 'user', content: question(8_000) }], max_tokens: 4_000 };
/** The upstream reads `max_tokens` as the number of events and `seed` as the milliseconds between them. */
const stream = (events: number, intervalMs: number) => ({
  ...small,
  stream: true,
  max_tokens: events,
  seed: intervalMs,
});

const CONNECTIONS = 32;
const STREAMS = 200;
/** Streams that this machine's limit of open files lets a proxy hold, two files each. */
export const OPEN_STREAMS = Math.min(10_000, Math.floor((OPEN_FILES - 1_000) / 2));
const HOLD_SECONDS = 6;

/** CPU microseconds of the peer for each request or event of a load. */
async function cpuOf(peer: RunningPeer, run: () => Promise<LoadResult>): Promise<{ us: number; result: LoadResult }> {
  const before = cpuUs(peer.started.pid);
  const result = await run();
  const used = cpuUs(peer.started.pid) - before;
  if (result.errors > 0 || result.count === 0) throw new Error(`${result.errors} errors: ${result.error}`);
  return { us: used / result.count, result };
}

const json = (id: string, isTls: boolean, body: object): Scenario => {
  const run = (peer: RunningPeer, seconds: number) => load('closed', peer, body, { connections: CONNECTIONS, seconds });
  return {
    id,
    isTls,
    warmUp: (peer) => warm((seconds) => run(peer, seconds)),
    async measure(peer, seconds) {
      const { us } = await cpuOf(peer, () => run(peer, seconds));
      return id === 'json-small' ? { [id]: us, rss: residentBytes(peer.started.pid) / 2 ** 20 } : { [id]: us };
    },
  };
};

/** Code is compiled after some ten thousand requests; a slow peer is not waited for that long. */
const WARM_REQUESTS = 80_000;
const WARM_MS = 15_000;

/** Repeats a closed load until code is compiled. */
export async function warm(run: (seconds: number) => Promise<LoadResult>, requests = WARM_REQUESTS): Promise<void> {
  const endMs = Date.now() + WARM_MS;
  for (let count = 0; count < requests && Date.now() < endMs;) count += (await run(1)).count;
}

/** Everything that is measured. */
export const SCENARIOS: readonly Scenario[] = [
  json('json-small', false, small),
  json('json-8k', false, large),
  {
    id: 'sse-paced',
    isTls: false,
    warmUp: (peer) => load('sse', peer, stream(50, 10), { streams: STREAMS }),
    async measure(peer) {
      const { us, result } = await cpuOf(peer, () => load('sse', peer, stream(200, 10), { streams: STREAMS }));
      return { 'sse-paced': us, 'sse-age': result.p99Ms };
    },
  },
  {
    id: 'sse-burst',
    isTls: false,
    warmUp: (peer) => load('sse', peer, stream(200, 0), { streams: 10, turns: 5 }),
    async measure(peer) {
      const { us } = await cpuOf(peer, () => load('sse', peer, stream(200, 0), { streams: 20, turns: 20 }));
      return { 'sse-burst': us };
    },
  },
  {
    id: 'added',
    isTls: false,
    warmUp: (peer) => load('open', peer, small, { rate: 500, seconds: 1 }),
    async measure(peer, seconds) {
      const { p50Ms, p99Ms, errors, error } = await load('open', peer, small, { rate: 500, seconds });
      if (errors > 0) throw new Error(error);
      return { 'added-p50': p50Ms, 'added-p99': p99Ms };
    },
  },
  {
    id: 'rss-open',
    isTls: false,
    isOnce: true,
    warmUp: () => Promise.resolve(),
    async measure(peer) {
      let most = 0;
      const held = load('hold', peer, stream(100_000, 1_000), { streams: OPEN_STREAMS, seconds: HOLD_SECONDS }, () => {
        const looks = setInterval(() => {
          most = Math.max(most, residentBytes(peer.started.pid));
        }, 500);
        setTimeout(() => clearInterval(looks), (HOLD_SECONDS - 0.5) * 1000);
      });
      const { errors, error } = await held;
      // What was aborted is cleaned up before the next one is measured.
      await sleep(1_000);
      if (errors > 0) throw new Error(`${errors} of ${OPEN_STREAMS} streams: ${error}`);
      return { 'rss-open': most / 2 ** 20 };
    },
  },
  json('tls-small', true, small),
  json('tls-8k', true, large),
];
