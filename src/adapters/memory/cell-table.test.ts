import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import type { CounterKey } from '../../limits/counters.ts';
import { allCells, cellTableBytes, createCellTable } from './cell-table.ts';

/** A table in which each cell is in force as soon as somebody has it. */
function setUp(cells: number) {
  const buffer = new SharedArrayBuffer(cellTableBytes(cells));
  const inForce = new Uint8Array(allCells(cells));
  const isIdle = (cell: number): boolean => inForce[cell] === 0;
  const table = createCellTable({ buffer, at: 0, cells, rows: 1, row: 0 }, isIdle, () => undefined);
  const find = (name: string, policy = 'budget'): number => {
    const cell = table.find(keyOf(name), policy, 0);
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
