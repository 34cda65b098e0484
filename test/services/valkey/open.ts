import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { connectTo } from '../../../src/adapters/valkey/connection.ts';
import { createValkeyCounters, type ValkeyCounters } from '../../../src/adapters/valkey/counters.ts';
import { createCounterMemory, createSharedCounters } from '../../../src/adapters/memory/counters.ts';
import { settableClock, type SettableClock } from '../../support/clock.ts';
import type { TestServer } from '../../support/valkey.ts';
import { WALL_MS, type OpenCounters } from '../../contracts/counters.ts';

const SOURCE = readFileSync(new URL('../../../src/adapters/valkey/counters.lua', import.meta.url), 'utf8');
/** Key of the time, in milliseconds since the epoch, that `TIMED` goes by. */
export const CLOCK = '{sallyport}:clock';
/** The function, by a time that a test sets. */
export const TIMED = SOURCE.replace(
  "  local time = redis.call('TIME')\n",
  `  local ms = tonumber(redis.call('GET', '${CLOCK}'))\n  local time = { math.floor(ms / 1000), (ms % 1000) * 1000 }\n`,
);
/** Longest step: shorter than the time after which an answer is late. */
const STEP_MS = 200;

/**
 * Counters of one thread on a server whose time is that of a settable clock.
 *
 * @param aheadMs by which the clock of the server is ahead of that
 */
export async function openTimed(
  server: TestServer,
  clock: SettableClock = settableClock(1_000_000),
  aheadMs = 0,
): Promise<OpenCounters & { counters: ValkeyCounters }> {
  if (TIMED === SOURCE) throw new Error('the function does not take its time where this test puts it');
  await server.command('FLUSHALL');
  await server.command('SET', CLOCK, String(WALL_MS + aheadMs + clock.nowMs()));
  const counters = createValkeyCounters({
    connect: connectTo(server.url, TIMED),
    ...{ clock, wall: clock },
    own: createSharedCounters(createCounterMemory(64, 1, 'seed'), 0),
    instance: randomUUID(),
    newId: () => randomUUID(),
    onFailure: 'deny',
    onChange: () => undefined,
  });
  /** Until all that waits has been answered. */
  const quiet = async (): Promise<void> => {
    for (let i = 0; i < 2; i++) await server.command('PING');
  };
  const probe = { kind: 'concurrency', name: 'probe', counter: counters.keyOf('probe'), limit: 1 } as const;
  const advance = async (ms: number): Promise<void> => {
    // Behind all that was settled, on the same connection.
    if (counters.isUp()) await counters.standing(probe, clock.monotonicMs());
    for (let left = ms; left > 0; left -= STEP_MS) {
      const step = Math.min(left, STEP_MS);
      await server.command('SET', CLOCK, String(WALL_MS + aheadMs + clock.nowMs() + step));
      clock.advance(step);
      await quiet();
    }
  };
  while (!counters.isUp()) {
    await quiet();
    await advance(100);
  }
  await advance(250);
  return {
    counters,
    nowMs: () => clock.monotonicMs(),
    advance,
    async [Symbol.asyncDispose]() {
      const closed = counters.close();
      await quiet();
      clock.advance(1_000);
      await closed;
    },
  };
}
