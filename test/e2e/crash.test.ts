import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashRounds } from '../support/crash.ts';

test('after kill -9 in the midst of work every acknowledged key works and every revoked one stays revoked, twice', async () => {
  const { created, revoked } = await crashRounds(2, Math.random);
  assert.ok(created > 5 && revoked > 2, `${created} created, ${revoked} revoked`);
});
