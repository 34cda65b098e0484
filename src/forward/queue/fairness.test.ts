import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { createUpstreamMemory } from '../../adapters/memory/upstream-memory.ts';
import { createUpstreamPlaces } from '../../adapters/memory/upstream-places.ts';
import { createReserve } from './reserve.ts';
import { createWaitingRoom } from './waiting-room.ts';

const LIMIT = 16;
/** An answer takes so long, the first token of it so long. */
const ANSWER_MS = 740;
const FIRST_MS = 100;
const LASTS_MS = 300_000;

/** Random numbers that are the same in each run (Numerical Recipes). */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / 4294967297;
  };
}

/** A second, as the gateway has it. */
const TICK_MS = 1_000;

/**
 * Milliseconds to the first token of a tenant that asks twice a second, beside one that asks so often.
 *
 * @param percent that may be kept for who asks little
 * @param seed of both
 */
function firstTokens(
  floodPerSecond: number,
  percent: number,
  seed = 1,
): { readonly seen: number[]; readonly floodServed: number } {
  const clock = settableClock();
  const places = createUpstreamPlaces(createUpstreamMemory(1, 1));
  const reserve = createReserve();
  const tick = (): void => {
    const held = places.tenantsSince(0, clock.nowMs() - 60_000);
    places.setLimit(0, LIMIT, reserve.needs(LIMIT, percent, held, clock.monotonicMs()));
    if (places.waiting(0) > 0) room.freed(0);
    clock.after(TICK_MS, tick);
  };
  const begun = new Map<number, () => void>();
  const room = createWaitingRoom({
    take: (row, upstream, tenant) => places.takeInTurn(row, upstream, tenant),
    setWaiting: (upstream, count) => places.setWaiting(upstream, count),
    granted: (_row, id) => begun.get(id)?.(),
    refused: (_row, id) => void begun.delete(id),
    weightOf: () => 1,
    rulesOf: () => ({ size: 1024, deadlineMs: 10_000 }),
    clock,
  });
  const seen: number[] = [];
  let floodServed = 0;
  let most = 0;
  let serial = 0;
  const ask = (tenant: string): void => {
    const askedMs = clock.monotonicMs();
    const begin = (): void => {
      if (tenant === 'small') seen.push(clock.monotonicMs() - askedMs + FIRST_MS);
      else floodServed++;
      most = Math.max(most, places.outstanding(0));
      clock.after(ANSWER_MS, () => {
        places.giveBack(0, 0, tenant);
        if (places.waiting(0) > 0) room.freed(0);
      });
    };
    if (places.take(0, 0, tenant, clock.nowMs())) return begin();
    const id = ++serial;
    begun.set(id, begin);
    room.wait(0, { id, upstreams: [0], tenant, priority: 'interactive' });
  };
  const keepAsking = (tenant: string, perSecond: number, random: () => number): void => {
    const next = (): void => {
      ask(tenant);
      clock.after((-Math.log(random()) / perSecond) * 1000, next);
    };
    next();
  };
  tick();
  keepAsking('small', 2, dice(2 * seed));
  clock.advance(20_000);
  if (floodPerSecond > 0) keepAsking('flood', floodPerSecond, dice(2 * seed + 99));
  clock.advance(20_000);
  seen.length = 0;
  clock.advance(LASTS_MS);
  assert.ok(most <= LIMIT, `${most} at once`);
  return { seen: seen.toSorted((a, b) => a - b), floodServed };
}

const p99 = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;

test('a tenant beside one of equal weight that sends 50 times as much has its first tokens as soon as alone', () => {
  const { seen: alone } = firstTokens(0, 50);
  for (const seed of [1, 2, 3]) {
    const { seen: beside, floodServed } = firstTokens(100, 50, seed);
    assert.ok(alone.length > 500 && beside.length > 500, `${alone.length} and ${beside.length}`);
    assert.ok(p99(beside) <= 1.1 * p99(alone), `${p99(beside)} beside ${p99(alone)}`);
    // What is kept is what the small one has needed and one more: the engine goes on to work.
    const most = ((LASTS_MS + 20_000) / ANSWER_MS) * LIMIT;
    assert.ok(floodServed + beside.length > 0.6 * most, `${floodServed} and ${beside.length} of ${most}`);
  }
});

test('without places kept for it, it waits for an answer of the other one at most, not for its backlog', () => {
  const { seen: beside } = firstTokens(100, 0);
  assert.ok((beside.at(-1) ?? Infinity) <= FIRST_MS + ANSWER_MS, String(beside.at(-1)));
  assert.ok(p99(beside) > 1.5 * FIRST_MS, 'which is why places are kept');
});
