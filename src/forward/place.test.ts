import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUpstreamMemory } from '../adapters/memory/upstream-memory.ts';
import { createUpstreamPlaces } from '../adapters/memory/upstream-places.ts';
import { createUpstreamStates } from '../adapters/memory/upstream-states.ts';
import { settableClock } from '../../test/support/clock.ts';
import { findPlace } from './place.ts';
import type { Asked } from './queue/line.ts';

/** Servers with so many places each, all of them for conversations. */
function setUp(limits: readonly (number | 'none')[], isAffine = true) {
  const memory = createUpstreamMemory(limits.length, 1);
  const places = createUpstreamPlaces(memory);
  for (const [i, limit] of limits.entries()) places.setLimit(i, limit, []);
  const states = createUpstreamStates(memory, 0);
  const waits: Asked[] = [];
  const line = { wait: (asked: Asked) => (waits.push(asked), () => undefined) };
  const targets = limits.map((_, i) => ({ name: `u${i}`, isAffine }));
  const serving = limits.map((_, i) => i);
  /** The server that one more request of a conversation gets, or those that it waits for. */
  function ask(session = 7): number | readonly number[] | undefined {
    let granted: number | undefined;
    findPlace(
      { states, line, targets, clock: settableClock() },
      { serving, tenant: 't', priority: 'interactive', tieBreaker: 0, session: () => session },
      {
        granted: (index) => (granted = index),
        refused: () => assert.fail(),
        failed: (error) => assert.fail(String(error)),
        none: () => assert.fail(),
      },
    );
    return granted ?? waits.pop()?.upstreams;
  }
  return { ask, places, states };
}

const times = <T>(count: number, run: () => T): T[] => Array.from({ length: count }, run);

/** What a conversation of its own would try first, second and third. */
function orderOf(session: number): readonly [number, number, number] {
  const it = setUp([1, 1, 1]);
  const [a, b, c] = times(3, () => it.ask(session));
  assert.ok(typeof a === 'number' && typeof b === 'number' && typeof c === 'number');
  return [a, b, c];
}

test('a conversation whose server has no place left goes on to the next that has one, before the bound on loads', () => {
  const it = setUp([3, 3]);
  const all = times(6, it.ask);
  const own = all[0];
  assert.ok(typeof own === 'number');
  assert.deepEqual(all, [own, own, own, 1 - own, 1 - own, 1 - own]);
});

test('where no server has a place it waits for its own alone', () => {
  const it = setUp([3, 3]);
  const [own] = times(6, it.ask);
  assert.deepEqual(it.ask(), [own]);
});

test('it comes back to its own server as soon as that has a place', () => {
  const it = setUp([1, 5]);
  const own = 0;
  const session = Array.from({ length: 20 }, (_, i) => i).find((number) => setUp([1, 5]).ask(number) === own) ?? 0;
  assert.deepEqual([it.ask(session), it.ask(session)], [own, 1]);
  it.states.end(own, 't');
  assert.equal(it.ask(session), own);
});

test('servers are passed over in the order of the conversation, a different one for another conversation', () => {
  const orders = new Set(Array.from({ length: 40 }, (_, session) => orderOf(session).join()));
  assert.equal(orders.size, 6);
  const [first, second, third] = orderOf(7);
  const it = setUp([0, 1, 2].map((index) => (index === second ? 1 : 'none')));
  it.places.setLimit(first, 1, []);
  assert.deepEqual([it.ask(), it.ask(), it.ask()], [first, second, third]);
});

test('it overtakes nobody who waits for a place at the other server', () => {
  const it = setUp([1, 2]);
  const session = Array.from({ length: 20 }, (_, i) => i).find((number) => setUp([1, 2]).ask(number) === 0) ?? 0;
  assert.equal(it.ask(session), 0);
  it.places.setWaiting(1, 1);
  assert.deepEqual(it.ask(session), [0]);
});

test('a request of no conversation waits for all servers', () => {
  const it = setUp([1, 1], false);
  times(2, it.ask);
  assert.deepEqual([...[it.ask()].flat()].sort(), [0, 1]);
});
