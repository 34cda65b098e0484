import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { newStateDir } from '../../../test/support/audit-log.ts';
import { readLines } from './line-reader.ts';

const file = join(newStateDir(), 'lines');

function linesOf(most = Infinity): { lines: string[]; torn: number } {
  const lines: string[] = [];
  const torn = readLines(file, (bytes, start, end) => {
    bytes[start - 1] = 0; // as who hashes them does
    lines.push(bytes.toString('latin1', start, end));
    return lines.length < most;
  });
  return { lines, torn };
}

test('every line is shown whole, however long it is, and how much stands behind the last newline', () => {
  const length = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 5_000 }), fc.integer({ min: 900_000, max: 2_200_000 }));
  fc.assert(
    fc.property(fc.array(length, { maxLength: 6 }), fc.nat({ max: 2_000 }), (lengths, torn) => {
      const lines = lengths.map((one, i) => String.fromCharCode(97 + i).repeat(one));
      writeFileSync(file, `${lines.map((line) => `${line}\n`).join('')}${'z'.repeat(torn)}`);
      const found = linesOf();
      assert.ok(found.lines.length === lines.length && found.lines.every((line, i) => line === lines[i]));
      assert.equal(found.torn, torn);
    }),
    { numRuns: 25 },
  );
});

test('who has seen enough is shown no more', () => {
  writeFileSync(file, 'a\nb\nc\nd');
  assert.deepEqual(linesOf(2), { lines: ['a', 'b'], torn: 0 });
});

test('a line that is longer than any that is written fills no memory', () => {
  writeFileSync(file, Buffer.alloc(40 * 1024 * 1024, 97));
  assert.throws(() => linesOf(), RangeError);
});
