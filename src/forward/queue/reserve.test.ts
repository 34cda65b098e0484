import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReserve, MOST_NEEDS, type TenantPlaces } from './reserve.ts';

const of = (...places: readonly number[]): TenantPlaces[] => places.map((own, bucket) => ({ bucket, places: own }));

/** What is kept after a look at what tenants hold. */
const kept = (limit: number | 'none', percent: number, ...held: readonly number[]) =>
  createReserve()
    .needs(limit, percent, of(...held), 0)
    .map(({ bucket, places }) => [bucket, places]);

test('what it held is kept for a tenant that held less than its share, one at least, and nothing for who held it', () => {
  assert.deepEqual(kept(16, 50, 2, 12), [[0, 2]]);
  assert.deepEqual(kept(16, 50, 0, 12), [[0, 1]]);
  assert.deepEqual(kept(16, 50, 8, 8), [], 'two that flood: nothing stands idle');
  assert.deepEqual(kept(16, 50, 7, 8), [[0, 7]]);
});

test('nothing is kept without a limit, of one place, for one tenant alone, or where nothing may be', () => {
  assert.deepEqual(kept('none', 50, 1, 9), []);
  assert.deepEqual(kept(1, 50, 0, 1), []);
  assert.deepEqual(kept(16, 50, 1), []);
  assert.deepEqual(kept(16, 0, 1, 12), []);
});

test('no more is kept than the percentage, first for those who need least', () => {
  assert.deepEqual(kept(16, 25, 3, 2, 12), [
    [1, 2],
    [0, 2],
  ]);
});

test('among tenants that need alike all have their turn, whatever their names are', () => {
  const reserve = createReserve();
  const had = new Set<number>();
  const held = of(...Array.from({ length: 40 }, () => 1), 900);
  for (let window = 0; window < 60; window++) {
    for (const { bucket } of reserve.needs(1_000, 50, held, window * 60_000)) had.add(bucket);
  }
  assert.equal(had.size, 40);
});

test('places are kept for eight tenants at most', () => {
  assert.equal(kept(1_000, 50, ...Array.from({ length: 20 }, () => 1), 900).length, MOST_NEEDS);
});

test('the most that it held is remembered for a minute at least, and for two at most', () => {
  const reserve = createReserve();
  const needs = (nowMs: number, held: number) => reserve.needs(16, 50, of(held, 12), nowMs)[0]?.places;
  assert.equal(needs(59_999, 5), 5);
  assert.equal(needs(60_000, 0), 5);
  assert.equal(needs(119_999, 0), 5);
  assert.equal(needs(120_000, 0), 1);
});

test('whoever was not seen for two minutes is forgotten', () => {
  const reserve = createReserve();
  reserve.needs(16, 50, of(5, 12), 0);
  reserve.needs(16, 50, [{ bucket: 1, places: 12 }], 120_000);
  assert.equal(reserve.needs(16, 50, of(0, 12), 121_000)[0]?.places, 1);
});
