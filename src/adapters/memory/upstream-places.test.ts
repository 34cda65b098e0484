import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createUpstreamMemory, FIELD, layoutOf, renumbered } from './upstream-memory.ts';
import { bucketOf, createUpstreamPlaces } from './upstream-places.ts';
import { createUpstreamStates } from './upstream-states.ts';

const NOW_MS = 1_700_000_000_000;

test('without a limit everybody gets a place', () => {
  const places = createUpstreamPlaces(createUpstreamMemory(1, 1));
  for (let i = 0; i < 1_000; i++) assert.equal(places.take(0, 0, 'a', NOW_MS), true);
  assert.deepEqual([places.outstanding(0), places.limit(0)], [1_000, 'none']);
});

test('never more places are taken than the limit, and one that is given back can be taken again', () => {
  const places = createUpstreamPlaces(createUpstreamMemory(1, 2));
  places.setLimit(0, 2, []);
  const take = (row: number) => places.take(row, 0, 'a', NOW_MS);
  assert.deepEqual([take(0), take(1), take(0), take(1)], [true, true, false, false]);
  places.giveBack(1, 0, 'a');
  assert.deepEqual([take(0), take(1), places.outstanding(0)], [true, false, 2]);
});

test('who comes anew does not overtake those who wait', () => {
  const places = createUpstreamPlaces(createUpstreamMemory(1, 1));
  places.setLimit(0, 2, []);
  places.setWaiting(0, 1);
  assert.equal(places.take(0, 0, 'a', NOW_MS), false);
  assert.equal(places.takeInTurn(0, 0, 'a'), true);
});

test('places that are kept for a tenant are left to it, also while others wait, and what it holds of them is not kept twice', () => {
  const places = createUpstreamPlaces(createUpstreamMemory(1, 2));
  places.setLimit(0, 8, [{ bucket: bucketOf('small'), places: 2 }]);
  const take = (tenant: string, row = 0) => places.take(row, 0, tenant, NOW_MS);
  for (let i = 0; i < 6; i++) assert.equal(take('flood', i % 2), true);
  assert.equal(take('flood'), false);
  assert.equal(places.takeInTurn(0, 0, 'flood'), false);
  places.setWaiting(0, 5);
  assert.deepEqual([take('small'), take('small', 1), take('small')], [true, true, false]);
  assert.equal(places.takeInTurn(0, 0, 'other'), false, 'the limit holds for all');
  places.giveBack(0, 0, 'flood');
  assert.equal(places.takeInTurn(0, 0, 'other'), true, 'the other one holds all that is kept for it');
});

test('a limit that was lowered lets nobody in until enough have ended', () => {
  const places = createUpstreamPlaces(createUpstreamMemory(1, 1));
  for (let i = 0; i < 4; i++) places.take(0, 0, 'a', NOW_MS);
  places.setLimit(0, 2, []);
  for (let i = 0; i < 2; i++) {
    assert.equal(places.take(0, 0, 'a', NOW_MS), false);
    places.giveBack(0, 0, 'a');
  }
  assert.equal(places.take(0, 0, 'a', NOW_MS), false);
  places.giveBack(0, 0, 'a');
  assert.equal(places.take(0, 0, 'a', NOW_MS), true);
});

test('the places of a dead thread are given back, and no others', () => {
  const memory = createUpstreamMemory(2, 2);
  const places = createUpstreamPlaces(memory);
  places.take(0, 1, 'a', NOW_MS);
  places.take(0, 1, 'b', NOW_MS);
  places.take(1, 1, 'a', NOW_MS);
  assert.equal(places.reclaim(0), 2);
  assert.equal(places.outstanding(1), 1);
  assert.equal(places.reclaim(0), 0);
  assert.equal(places.outstanding(1), 1);
});

test('tenants that asked within a time are counted while there is a limit', () => {
  const places = createUpstreamPlaces(createUpstreamMemory(1, 1));
  places.take(0, 0, 'early', NOW_MS);
  assert.deepEqual(places.tenantsSince(0, NOW_MS), [], 'nothing was noted without a limit');
  places.setLimit(0, 10, []);
  places.take(0, 0, 'a', NOW_MS);
  places.take(0, 0, 'a', NOW_MS + 60_000);
  places.take(0, 0, 'b', NOW_MS);
  const held = (sinceMs: number) => places.tenantsSince(0, sinceMs).map((one) => one.places);
  assert.deepEqual([held(NOW_MS).toSorted(), held(NOW_MS + 1_000)], [[1, 2], [2]]);
});

test('those for whom places are kept do not wait for each other', () => {
  const places = createUpstreamPlaces(createUpstreamMemory(1, 1));
  places.setLimit(0, 4, []);
  for (let i = 0; i < 4; i++) places.take(0, 0, 'flood', NOW_MS);
  places.setLimit(
    0,
    4,
    ['a', 'b'].map((tenant) => ({ bucket: bucketOf(tenant), places: 1 })),
  );
  places.giveBack(0, 0, 'flood');
  assert.deepEqual([places.takeInTurn(0, 0, 'flood'), places.takeInTurn(0, 0, 'a')], [false, true]);
  assert.equal(places.takeInTurn(0, 0, 'b'), false, 'the limit holds for all');
});

test('what a tenant held when nobody looked at it is none of what it does an hour later', () => {
  const places = createUpstreamPlaces(createUpstreamMemory(1, 1));
  places.setLimit(0, 20, []);
  for (let i = 0; i < 12; i++) places.take(0, 0, 'a', NOW_MS);
  assert.deepEqual(places.tenantsSince(0, NOW_MS + 1_000), []);
  for (let i = 0; i < 12; i++) places.giveBack(0, 0, 'a');
  places.tenantsSince(0, NOW_MS + 1_000);
  places.take(0, 0, 'a', NOW_MS + 3_600_000);
  assert.deepEqual(
    places.tenantsSince(0, NOW_MS + 3_600_000).map((one) => one.places),
    [1],
  );
});

test('the most that a tenant held at once is told once, also where it was given back before anybody looked', () => {
  const places = createUpstreamPlaces(createUpstreamMemory(1, 2));
  places.setLimit(0, 10, []);
  for (const row of [0, 1, 1]) places.take(row, 0, 'a', NOW_MS);
  places.giveBack(1, 0, 'a');
  places.giveBack(1, 0, 'a');
  const held = () => places.tenantsSince(0, NOW_MS).map((one) => one.places);
  assert.deepEqual([held(), held()], [[3], [1]]);
});

test('whatever happens, places are exact over threads and never above the limit', () => {
  const step = fc.record({
    row: fc.nat(2),
    tenant: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom('take', 'take', 'turn', 'give', 'die'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 6 }), fc.nat(5), (steps, limit, kept) => {
      const places = createUpstreamPlaces(createUpstreamMemory(1, 3));
      places.setLimit(0, limit, [{ bucket: bucketOf('a'), places: Math.min(kept, limit - 1) }]);
      let held: { row: number; tenant: string }[] = [];
      for (const { row, tenant, kind } of steps) {
        if (kind === 'die') {
          places.reclaim(row);
          held = held.filter((one) => one.row !== row);
        } else if (kind === 'give') {
          const one = held.pop();
          if (one !== undefined) places.giveBack(one.row, 0, one.tenant);
        } else if (kind === 'take' ? places.take(row, 0, tenant, NOW_MS) : places.takeInTurn(row, 0, tenant)) {
          held.push({ row, tenant });
        }
        assert.equal(places.outstanding(0), held.length);
        assert.ok(held.length <= limit);
      }
    }),
  );
});

test('who frees a place says so only while somebody waits for it', () => {
  const memory = createUpstreamMemory(2, 1);
  const freed: number[] = [];
  const states = createUpstreamStates(memory, 0, (upstream) => freed.push(upstream));
  const places = createUpstreamPlaces(memory);
  for (let i = 0; i < 2; i++) states.begin(1, 'a', NOW_MS);
  states.end(1, 'a');
  assert.deepEqual(freed, []);
  places.setWaiting(1, 1);
  states.end(1, 'a');
  assert.deepEqual(freed, [1]);
});

test('an upstream that stays keeps what runs on it when the configuration changes, wherever it stands there', () => {
  const memory = createUpstreamMemory(2, 1);
  createUpstreamStates(memory, 0).begin(1, 'a', NOW_MS);
  const next = renumbered(memory, ['x', 'y'], ['new', 'y']);
  assert.ok(next !== undefined);
  const states = createUpstreamStates(next, 0);
  assert.deepEqual([states.outstanding(0), states.outstanding(1)], [0, 1]);
});

test('one that is new gets no number on which something still runs or waits', () => {
  const memory = createUpstreamMemory(2, 1);
  createUpstreamStates(memory, 0).begin(0, 'a', NOW_MS);
  createUpstreamPlaces(memory).setWaiting(1, 1);
  const next = renumbered(memory, ['x', 'y'], ['new']);
  assert.deepEqual(next?.numbers, [2]);
});

test('one that is new begins with nothing of what had its number before', () => {
  const memory = createUpstreamMemory(1, 1);
  const before = createUpstreamStates(memory, 0);
  for (let i = 0; i < 3; i++) before.noteFault(0);
  createUpstreamPlaces(memory).setLimit(0, 3, [{ bucket: 1, places: 1 }]);
  const next = renumbered(memory, ['old'], ['new']);
  assert.ok(next !== undefined);
  const [number] = next.numbers;
  assert.equal(number, 0);
  assert.deepEqual([createUpstreamStates(next, 0).isUp(0), createUpstreamPlaces(next).limit(0)], [true, 'none']);
});

test('where all numbers are in use there is no memory to go on with', () => {
  const memory = createUpstreamMemory(1, 1);
  const words = new Int32Array(memory.buffer);
  const layout = layoutOf(memory);
  for (let number = 0; number < memory.capacity; number++) words[layout.field(number, FIELD.OUTSTANDING)] = 1;
  assert.equal(renumbered(memory, ['old'], ['new']), undefined);
  assert.notEqual(renumbered(memory, ['old'], ['old']), undefined);
});
