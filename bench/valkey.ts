import { randomUUID } from 'node:crypto';
import { cpus } from 'node:os';
import { createCounterMemory, createSharedCounters } from '../src/adapters/memory/counters.ts';
import { connectTo } from '../src/adapters/valkey/connection.ts';
import { createValkeyCounters } from '../src/adapters/valkey/counters.ts';
import { systemClock } from '../src/kernel/clock.ts';
import type { Ask } from '../src/limits/counters.ts';
import { ratePerMinute } from '../src/limits/gcra.ts';
import { startTestServer } from '../test/support/valkey.ts';
import { markdown, median } from './table.ts';

/**
 * What counting a request on Valkey costs: `node bin/node26.mjs bench/valkey.ts [PROGRAM]`, with the server beside it on the
 * same machine. With leases a request asks nobody; without them (a concurrency is never leased) each is one call.
 */
const program = process.argv[2] ?? 'redis-server';
const ROUNDS = 9;
const ROUND_MS = 400;
/** Requests under way at once, where each is a call. */
const AT_ONCE = 16;

await using server = await startTestServer(program);
const counters = createValkeyCounters({
  connect: connectTo(server.url),
  ...{ clock: systemClock, wall: systemClock },
  own: createSharedCounters(createCounterMemory(65_536, 1, 'seed'), 0),
  instance: randomUUID(),
  newId: () => randomUUID(),
  onFailure: 'local-share',
  onChange: () => undefined,
});
await counters.ready(5_000);
if (!counters.isUp()) throw new Error('the server was not reached');

const rate: Ask = {
  kind: 'rate',
  name: 'requests',
  counter: counters.keyOf('busy'),
  rate: ratePerMinute(60_000_000),
};
const tokens: Ask = {
  kind: 'amount',
  name: 'tokens',
  counter: counters.keyOf('tokens'),
  bound: { kind: 'rate', limit: 1e12, windowMs: 60_000 },
  cost: 1_000,
};
const running: Ask = { kind: 'concurrency', name: 'concurrency', counter: counters.keyOf('running'), limit: 1_000_000 };
const nowMs = (): number => systemClock.monotonicMs();

async function once(asks: readonly Ask[]): Promise<boolean> {
  const spent = counters.spend(asks, nowMs());
  const isAsked = spent instanceof Promise;
  const result = isAsked ? await spent : spent;
  if (result.kind === 'refused') throw new Error('refused');
  counters.settle(result, [700], nowMs());
  return isAsked;
}

/** Microseconds of this thread for one request, and of its waiting. */
async function round(asks: readonly Ask[], atOnce: number): Promise<{ cpuUs: number; waitUs: number; asked: number }> {
  const cpu = process.cpuUsage();
  const endMs = nowMs() + ROUND_MS;
  let [count, asked, waitedMs] = [0, 0, 0];
  const caller = async (): Promise<void> => {
    while (nowMs() < endMs) {
      const sentMs = nowMs();
      for (let i = 0; i < 64; i++) {
        if (await once(asks)) asked++;
        count++;
      }
      waitedMs += nowMs() - sentMs;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
  const { user, system } = process.cpuUsage(cpu);
  return { cpuUs: (user + system) / count, waitUs: (waitedMs * 1000) / count, asked: asked / count };
}

const rows: string[][] = [];
for (const [name, asks, atOnce] of [
  ['requests, with leases', [rate], 1],
  ['requests and tokens, with leases', [rate, tokens], 1],
  ['requests and concurrency, one call each', [running, rate], AT_ONCE],
  ['all three, one call each', [running, rate, tokens], AT_ONCE],
] as const) {
  await round(asks, atOnce);
  const rounds: Awaited<ReturnType<typeof round>>[] = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round(asks, atOnce));
  const of = (value: (one: (typeof rounds)[number]) => number): string => median(rounds.map(value)).toFixed(2);
  rows.push([name, of(({ cpuUs }) => cpuUs), of(({ waitUs }) => waitUs), of(({ asked }) => 100 * asked)]);
}
process.stdout.write(
  `${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${program}\n\n${markdown(
    ['counters of a request', 'CPU of the worker, us', 'until it is decided and settled, us', 'calls for 100 requests'],
    rows,
  )}\n`,
);
await counters.close();
