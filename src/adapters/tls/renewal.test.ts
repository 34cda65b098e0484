import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDue } from './renewal.ts';

for (const { nowMs, due } of [
  { nowMs: 999, due: true },
  { nowMs: 1000, due: false },
  { nowMs: 2999, due: false },
  { nowMs: 3000, due: true },
  { nowMs: 5000, due: true },
])
  test(`a certificate from 1000 to 4000 is ${due ? '' : 'not '}due at ${nowMs}`, () => {
    assert.equal(isDue(1000, 4000, nowMs), due);
  });
