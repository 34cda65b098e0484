import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPermissionUses } from './permission-uses.ts';

test('the last use of each permission is known, to the minute, and any model counts for all of them', () => {
  const uses = createPermissionUses([{ holder: 'key:a', permission: 'models:read', atMs: 1_000 }]);
  uses.note('key:a', 'model:m1', 5_000);
  uses.note('key:a', 'model:m2', 70_000);
  uses.note('key:a', 'model:m2', 71_000);
  assert.equal(uses.lastMs('key:a', 'models:read'), 1_000);
  assert.equal(uses.lastMs('key:a', 'model:m2'), 70_000);
  assert.equal(uses.lastMs('key:a', 'model:*'), 70_000);
  assert.equal(uses.lastMs('key:b', 'model:*'), undefined);
  assert.equal(uses.lastMs('key:a', 'inference:chat'), undefined);
});

test('what is merged comes back only where it is news, so that not each use is a write', () => {
  const uses = createPermissionUses();
  const one = (atMs: number) => ({ holder: 'key:a', permission: 'models:read', atMs });
  assert.deepEqual(uses.merge([one(0), one(1_000), one(60_000)]), [one(0), one(60_000)]);
  assert.deepEqual(uses.take(), [one(60_000)]);
  assert.deepEqual(uses.take(), []);
});

test('what one holder fills it with is bounded', () => {
  const uses = createPermissionUses();
  for (let i = 0; i < 1_000; i++) uses.note('key:a', `model:m${i}`, 0);
  assert.equal(uses.take().length, 256);
});
