import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReserve, MOST_NEEDS, type TenantPlaces } from './reserve.ts';

const of = (...places: readonly number[]): TenantPlaces[] => places.map((own, bucket) => ({ bucket, places: own }));

/** What is kept after a look at what tenants hold. */
const kept = (limit: number | 'none', percent: number, ...held: readonly number[]) =>
  createReserve()
    .needs(limit, percent, of(...held), 0)
    .map(({ bucket, places }) => [bucket, places]);

test('one more than it held is kept for a tenant that holds less than its share, and nothing for who holds it', () => {
  assert.deepEqual(kept(16, 50, 2, 12), [[0, 3]]);
  assert.deepEqual(kept(16, 50, 0, 12), [[0, 1]]);
  assert.deepEqual(kept(16, 50, 8, 8), [], 'two that flood: nothing stands idle');
  assert.deepEqual(kept(16, 50, 5, 8), [[0, 6]]);
  assert.deepEqual(kept(16, 50, 6, 8), [], 'three quarters of its share are the share');
});

test('a burst does not make a tenant that asks little one that floods, and a flood is one within half a minute', () => {
  const looks = (held: (second: number) => number): boolean[] => {
    const reserve = createReserve();
    return Array.from({ length: 300 }, (_, second) =>
      reserve.needs(16, 50, of(held(second), 12), second * 1_000).some(({ bucket }) => bucket === 0),
    );
  };
  assert.ok(looks((second) => (second % 20 === 10 ? 10 : 1)).every(Boolean), 'ten at once, each twenty seconds');
  const flooding = looks((second) => (second < 100 ? 1 : 16));
  assert.deepEqual([flooding[100], flooding[130], flooding[299]], [true, false, false]);
  // Looks that come seldom tell the same of it.
  const seldom = createReserve();
  seldom.needs(16, 50, of(1, 12), 0);
  assert.deepEqual(seldom.needs(16, 50, of(12, 12), 29_000), []);
});

test('nothing is kept without a limit, of one place, for one tenant alone, or where nothing may be', () => {
  assert.deepEqual(kept('none', 50, 1, 9), []);
  assert.deepEqual(kept(1, 50, 0, 1), []);
  assert.deepEqual(kept(16, 50, 1), []);
  assert.deepEqual(kept(16, 0, 1, 12), []);
});

test('no more is kept than the percentage, first for those who need least', () => {
  assert.deepEqual(kept(16, 25, 3, 2, 12), [
    [1, 3],
    [0, 1],
  ]);
});

test('among tenants that need alike all have their turn, whatever their names are', () => {
  const reserve = createReserve();
  const had = new Set<number>();
  const held = of(...Array.from({ length: 40 }, () => 1), 900);
  for (let window = 0; window < 60; window++) {
    for (const { bucket } of reserve.needs(1_000, 50, held, window * 30_000)) had.add(bucket);
  }
  assert.equal(had.size, 40);
});

test('places are kept for eight tenants at most', () => {
  assert.equal(kept(1_000, 50, ...Array.from({ length: 20 }, () => 1), 900).length, MOST_NEEDS);
});

test('the most that it held is remembered for half a minute at least, and for a minute at most', () => {
  const reserve = createReserve();
  const needs = (nowMs: number, held: number) => reserve.needs(16, 50, of(held, 12), nowMs)[0]?.places;
  assert.equal(needs(29_999, 4), 5);
  assert.equal(needs(30_000, 0), 5);
  assert.equal(needs(59_999, 0), 5);
  assert.equal(needs(60_000, 0), 1);
});

test('whoever was not seen for a minute is forgotten', () => {
  const reserve = createReserve();
  reserve.needs(16, 50, of(4, 12), 0);
  reserve.needs(16, 50, [{ bucket: 1, places: 12 }], 60_000);
  assert.equal(reserve.needs(16, 50, of(0, 12), 61_000)[0]?.places, 1);
});
