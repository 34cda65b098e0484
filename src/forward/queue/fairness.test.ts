import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { createUpstreamMemory } from '../../adapters/memory/upstream-memory.ts';
import { createUpstreamPlaces } from '../../adapters/memory/upstream-places.ts';
import { reserveOf } from './reserve.ts';
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

/** Milliseconds to the first token of a tenant that asks once a second, beside one that asks so often. */
function firstTokens(floodPerSecond: number, reserve: number): number[] {
  const clock = settableClock();
  const places = createUpstreamPlaces(createUpstreamMemory(1, 1));
  places.setLimit(0, LIMIT, reserve);
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
  let most = 0;
  let serial = 0;
  const ask = (tenant: string): void => {
    const askedMs = clock.monotonicMs();
    const begin = (): void => {
      if (tenant === 'small') seen.push(clock.monotonicMs() - askedMs + FIRST_MS);
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
  if (floodPerSecond > 0) keepAsking('flood', floodPerSecond, dice(1));
  clock.advance(20_000);
  keepAsking('small', 1, dice(2));
  clock.advance(LASTS_MS);
  assert.ok(most <= LIMIT, `${most} at once`);
  return seen.toSorted((a, b) => a - b);
}

const p99 = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;

test('a tenant beside one of equal weight that sends 50 times as much has its first tokens as soon as alone', () => {
  const alone = firstTokens(0, 0);
  const beside = firstTokens(50, reserveOf(LIMIT, 25, 2));
  assert.ok(alone.length > 250 && beside.length > 250, `${alone.length} and ${beside.length}`);
  assert.ok(p99(beside) <= 1.5 * p99(alone), `${p99(beside)} beside ${p99(alone)}`);
});

test('without places kept for it, it waits for an answer of the other one at most, not for its backlog', () => {
  const beside = firstTokens(50, 0);
  assert.ok((beside.at(-1) ?? Infinity) <= FIRST_MS + ANSWER_MS, String(beside.at(-1)));
  assert.ok(p99(beside) > 1.5 * FIRST_MS, 'which is why places are kept');
});
