import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import type { CounterKey } from '../../limits/counters.ts';
import { allCells, cellTableBytes, createCellTable } from './cell-table.ts';

/** A table in which each cell is in force as soon as somebody has it. @param threads that find in it */
function setUp(cells: number, threads = 1) {
  const buffer = new SharedArrayBuffer(cellTableBytes(cells));
  const inForce = new Uint8Array(allCells(cells));
  const isIdle = (cell: number): boolean => inForce[cell] === 0;
  const tables = Array.from({ length: threads }, (_, row) =>
    createCellTable({ buffer, at: 0, cells, rows: threads, row }, isIdle, () => undefined),
  );
  const find = (name: string, policy = 'budget', row = 0): number => {
    const cell = tables[row]?.find(keyOf(name), policy, 0) ?? assert.fail();
    inForce[cell] = 1;
    return cell;
  };
  return { find };
}

/** As `createSharedCounters` makes them. */
function keyOf(name: string): CounterKey {
  const digest = hash('sha256', name, 'buffer');
  return { hi: digest.readInt32LE(0), lo: digest.readInt32LE(4) | 1, name };
}

for (const cells of [4_096, 16_384]) {
  test(`of ${cells} cells more than four fifths are in force before a counter finds none of its own`, () => {
    for (let round = 0; round < 4; round++) {
      const { find } = setUp(cells);
      let counters = 0;
      while (find(`${round}:${counters}`) < cells) counters++;
      assert.ok(counters > cells * 0.8, `${counters / cells} of all`);
    }
  });
}

/** A table of eight cells, none of which is free. */
function setUpFull() {
  const it = setUp(8, 2);
  for (let i = 0; i < 8; i++) it.find(`full ${i}`);
  return it;
}

test('in a full table as many policies as there are overflow cells have one each, the same on all threads', () => {
  const { find } = setUpFull();
  const policies = Array.from({ length: 64 }, (_, i) => `rule-${i}.tokens`);
  const cells = policies.map((policy, i) => find(`${policy}/day:somebody`, policy, i % 2));
  assert.equal(new Set(cells).size, 64);
  for (const row of [0, 1]) {
    assert.deepEqual(
      policies.map((policy) => find(`${policy}/day:another`, policy, row)),
      cells,
    );
  }
  // Nothing is left for one more: it shares.
  assert.ok(cells.includes(find('one-too-many.tokens/day:somebody', 'one-too-many.tokens')));
});

for (const [one, other, areTogether] of [
  [['budget/day:a', 'budget'], ['budget/day:b', 'budget'], true],
  [['budget/day:a', 'budget'], ['budget/month:b', 'budget'], false],
  [['group.a:b.budget/day:a', 'group.a:b.budget'], ['group.a:c.budget/day:a', 'group.a:c.budget'], false],
  [['failures:192.0.2.1', 'failures'], ['failures:192.0.2.2', 'failures'], true],
  [['oauth-client:a', 'tokens'], ['oauth-client:b', 'tokens'], true],
  [['', 'restored'], ['budget/day:a', 'budget'], false],
] as const) {
  test(`in a full table ${one.join(' of ')} and ${other.join(' of ')} share ${areTogether ? 'a' : 'no'} cell`, () => {
    const { find } = setUpFull();
    assert.equal(find(one[0], one[1]) === find(other[0], other[1]), areTogether);
  });
}
