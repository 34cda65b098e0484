import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { orderByAffinity, sessionNumber } from './affinity.ts';

const KEY = Buffer.alloc(32, 1);
const nameNumberOf = (index: number) => Math.imul(index + 1, 0x9e3779b1) >>> 0;
/** The upstream that a session keeps to. */
const chosenOf = (...asked: Parameters<typeof orderByAffinity>) => orderByAffinity(...asked)[0];
const loads = (...counts: readonly number[]) => ({
  outstanding: (index: number) => counts[index] ?? 0,
  waiting: () => 0,
});
const sessions = Array.from({ length: 3_000 }, (_, i) => sessionNumber(KEY, 'a', `conversation ${i}`));
const idle = loads(0, 0, 0, 0);

test('a session keeps to one upstream, and sessions spread evenly', () => {
  const counts = [0, 0, 0];
  for (const session of sessions) {
    const chosen = chosenOf([0, 1, 2], idle, session, nameNumberOf) ?? -1;
    assert.equal(chosenOf([2, 0, 1], idle, session, nameNumberOf), chosen, 'in whatever order they are given');
    counts[chosen] = (counts[chosen] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(count > 900 && count < 1_100, counts.join());
});

test('one that goes moves only its own sessions, and they spread over those that are left', () => {
  const moved = [0, 0, 0];
  for (const session of sessions) {
    const before = chosenOf([0, 1, 2, 3], idle, session, nameNumberOf) ?? -1;
    const after = chosenOf([0, 1, 2], idle, session, nameNumberOf) ?? -1;
    if (before === 3) moved[after] = (moved[after] ?? 0) + 1;
    else assert.equal(after, before);
  }
  for (const count of moved) assert.ok(count > 190, moved.join());
});

test('a quarter over the mean passes to the next of the session, and comes back when the load has gone', () => {
  const [session = 0] = sessions;
  const first = chosenOf([0, 1], idle, session, nameNumberOf) ?? -1;
  const other = 1 - first;
  const chosen = (own: number, others: number) =>
    chosenOf([0, 1], first === 0 ? loads(own, others) : loads(others, own), session, nameNumberOf);
  // 1.25 x (25 + 15 + 1) / 2 = 25.6: the twenty-sixth may come.
  assert.equal(chosen(25, 15), first);
  assert.equal(chosen(26, 14), other);
  // (8 + 1) / 2 + 4 = 8.5: where few run, four over the mean.
  assert.equal(chosen(6, 0), first);
  assert.equal(chosen(8, 0), first);
  assert.equal(chosen(9, 0), other);
});

test('those who wait for an upstream are load as well', () => {
  const [session = 0] = sessions;
  const first = chosenOf([0, 1], idle, session, nameNumberOf);
  const states = { outstanding: () => 4, waiting: (index: number) => (index === first ? 40 : 0) };
  assert.notEqual(chosenOf([0, 1], states, session, nameNumberOf), first);
});

test('the others come in the order of the session, those over the bound last', () => {
  const [session = 0] = sessions;
  const orderAt = (states: ReturnType<typeof loads>) => orderByAffinity([0, 1, 2, 3], states, session, nameNumberOf);
  const order = orderAt(idle);
  assert.deepEqual([...order].sort(), [0, 1, 2, 3]);
  const [first = -1, second = -1, ...rest] = order;
  const busy = [0, 1, 2, 3].map((index) => (index === first || index === second ? 50 : 0));
  assert.deepEqual(orderAt(loads(...busy)), [...rest, first, second]);
});

test('without an upstream there is nothing to choose', () => {
  assert.deepEqual(orderByAffinity([], idle, 1, nameNumberOf), []);
});

test('the same words of two tenants, or under another key, are other sessions', () => {
  const own = sessionNumber(KEY, 'a', 'hello');
  assert.equal(sessionNumber(KEY, 'a', 'hello'), own);
  assert.notEqual(sessionNumber(KEY, 'b', 'hello'), own);
  assert.notEqual(sessionNumber(Buffer.alloc(32, 2), 'a', 'hello'), own);
});

test('whatever the loads are, the chosen one has at most a quarter over the mean, or four', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100), { minLength: 1, maxLength: 8 }), fc.integer(), (counts, session) => {
      const up = counts.map((_, i) => i);
      const chosen = chosenOf(up, loads(...counts), session >>> 0, nameNumberOf) ?? -1;
      const total = counts.reduce((sum, count) => sum + count, 1);
      assert.ok(
        (counts[chosen] ?? Infinity) < Math.ceil(Math.max((1.25 * total) / counts.length, total / counts.length + 4)),
      );
    }),
  );
});
