import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import type { Priority } from './fair-queue.ts';
import { createWaitingRoom } from './waiting-room.ts';

/** A room before upstreams with so many free places each. */
function setUp(free: number[], { size = 100, deadlineMs = 10_000 } = {}) {
  const clock = settableClock();
  const told: string[] = [];
  const waiting: number[] = free.map(() => 0);
  const retries: number[] = [];
  const room = createWaitingRoom({
    take(_row, upstream) {
      const left = free[upstream] ?? 0;
      if (left > 0) free[upstream] = left - 1;
      return left > 0;
    },
    setWaiting: (upstream, count) => void (waiting[upstream] = count),
    granted: (row, id, upstream) => void told.push(`${row}:${id} at ${upstream}`),
    refused(row, id, retryAfterMs) {
      told.push(`${row}:${id} refused`);
      retries.push(retryAfterMs);
    },
    weightOf: () => 1,
    rulesOf: () => ({ size, deadlineMs }),
    clock,
  });
  let id = 0;
  const wait = (tenant: string, upstreams = [0], row = 0, priority: Priority = 'interactive'): number => {
    room.wait(row, { id: ++id, upstreams, tenant, priority });
    return id;
  };
  const free1 = (upstream: number): void => {
    free[upstream] = (free[upstream] ?? 0) + 1;
    room.freed(upstream);
  };
  return { clock, told, waiting, retries, room, wait, free: free1 };
}

test('who finds a free place after all has it at once', () => {
  const it = setUp([1]);
  it.wait('a');
  assert.deepEqual([it.told, it.waiting], [['0:1 at 0'], [0]]);
});

test('a place that comes free is granted in turn, and all threads are told how many wait', () => {
  const it = setUp([0]);
  it.wait('a');
  it.wait('a');
  it.wait('b', [0], 1);
  assert.deepEqual([it.told, it.waiting], [[], [3]]);
  it.free(0);
  it.free(0);
  assert.deepEqual([it.told, it.waiting], [['0:1 at 0', '1:3 at 0'], [1]]);
});

test('who waits for several upstreams has the first that comes free, and waits for none any more', () => {
  const it = setUp([0, 0]);
  it.wait('a', [0, 1]);
  assert.deepEqual(it.waiting, [1, 1]);
  it.free(1);
  assert.deepEqual([it.told, it.waiting], [['0:1 at 1'], [0, 0]]);
  it.free(0);
  assert.equal(it.told.length, 1);
});

test('at the deadline it is refused, and not a millisecond before', () => {
  const it = setUp([0]);
  it.wait('a');
  it.clock.advance(9_999);
  assert.deepEqual(it.told, []);
  it.clock.advance(1);
  assert.deepEqual([it.told, it.waiting, it.clock.waiting()], [['0:1 refused'], [0], 0]);
  it.free(0);
  assert.equal(it.told.length, 1, 'a place is not granted to who was refused');
});

test('one that waits no more is not granted a place, and no timer is left of it', () => {
  const it = setUp([0]);
  const id = it.wait('a');
  it.room.leave(0, id);
  it.room.leave(0, id);
  it.room.leave(3, 77);
  it.free(0);
  assert.deepEqual([it.told, it.waiting, it.clock.waiting()], [[], [0], 0]);
});

test('who waited in a thread that has ended is forgotten, and nobody else', () => {
  const it = setUp([0]);
  it.wait('a', [0], 1);
  it.wait('b', [0], 2);
  it.room.forget(1);
  assert.deepEqual(it.waiting, [1]);
  it.free(0);
  assert.deepEqual(it.told, ['2:2 at 0']);
});

test('in a full queue the tenant that fills it gives way, and the small one stays', () => {
  const it = setUp([0], { size: 3 });
  for (let i = 0; i < 3; i++) it.wait('flood');
  it.wait('small');
  assert.deepEqual([it.told, it.waiting], [['0:3 refused'], [3]]);
  it.wait('flood');
  assert.deepEqual(it.told, ['0:3 refused', '0:5 refused']);
});

test('who is pushed out of one queue goes on to wait in the other', () => {
  const it = setUp([0, 0], { size: 1 });
  it.wait('a', [0]);
  it.wait('b', [0, 1]);
  assert.deepEqual([it.told, it.waiting], [[], [1, 1]]);
  it.free(1);
  assert.deepEqual(it.told, ['0:2 at 1']);
});

test('a queue of no size refuses at once', () => {
  const it = setUp([0], { size: 0 });
  it.wait('a');
  assert.deepEqual([it.told, it.waiting], [['0:1 refused'], [0]]);
});

test('the time to try again is what the tenant has waiting by its share of what comes free', () => {
  const it = setUp([0], { size: 10 });
  for (let i = 0; i < 10; i++) it.wait('flood');
  // Five places in four seconds: one each 0.8 s.
  for (let i = 0; i < 5; i++) {
    it.free(0);
    it.wait('flood');
    if (i < 4) it.clock.advance(1_000);
  }
  it.wait('flood');
  assert.deepEqual(it.retries, [(10 * 4_000) / 5]);
  it.wait('small');
  // The flood has 9 left, and half of the places.
  assert.deepEqual(it.retries.slice(1), [(9 * 2 * 4_000) / 5]);
});

test('where nothing comes free the time to try again is the deadline, and never below a second', () => {
  const slow = setUp([0], { size: 1, deadlineMs: 30_000 });
  slow.wait('a');
  slow.wait('a');
  assert.deepEqual(slow.retries, [30_000]);
  const fast = setUp([0], { size: 1, deadlineMs: 100 });
  fast.wait('a');
  fast.wait('a');
  assert.deepEqual(fast.retries, [1_000]);
});

test('who waits when all ends is refused', () => {
  const it = setUp([0]);
  it.wait('a');
  it.wait('b', [0], 1);
  it.room.close();
  assert.deepEqual([it.told, it.waiting], [['0:1 refused', '1:2 refused'], [0]]);
});
