import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exemplarsOf, SLOTS } from './exemplars.ts';
import { createMetricsMemory, gaugesOf, MAX_SERIES, seriesOf } from './series.ts';

const traceIds = fc.stringMatching(/^[0-9a-f]{32}$/);
const exemplars = fc.record(
  {
    traceId: traceIds,
    valueS: fc.double({ min: 0, max: 1e6, noNaN: true }),
    timeMs: fc.integer({ min: 0, max: 4e12 }),
  },
  { noNullPrototype: true },
);

test('an exemplar comes back as it was written, and no other is touched', () => {
  const slot = fc.integer({ min: 0, max: SLOTS - 1 });
  const series = fc.constantFrom(0, 1, MAX_SERIES - 1);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1 }), series, slot, exemplars, (row, index, at, exemplar) => {
      const memory = createMetricsMemory(2);
      const cells = exemplarsOf(memory, row, index);
      cells.write(at, exemplar);
      assert.deepEqual(cells.read(at), exemplar);
      cells.clear();
      for (const r of [0, 1]) {
        assert.ok(gaugesOf(memory, r).every((value) => value === 0));
        for (const i of [0, 1, MAX_SERIES - 1]) {
          assert.ok(seriesOf(memory, r, i).every((value) => value === 0));
          for (let s = 0; s < SLOTS; s++) assert.equal(exemplarsOf(memory, r, i).read(s), undefined);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('one that is being written is not read', () => {
  const memory = createMetricsMemory(1);
  const cells = exemplarsOf(memory, 0, 0);
  cells.write(0, { traceId: 'a'.repeat(32), valueS: 1, timeMs: 1 });
  const words = new Int32Array(memory);
  const at = words.indexOf(2);
  words[at] = 3;
  assert.equal(cells.read(0), undefined);
  words[at] = 4;
  assert.notEqual(cells.read(0), undefined);
});
