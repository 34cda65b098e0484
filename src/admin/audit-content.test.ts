import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestAdmin } from '../../test/support/admin.ts';

const READINGS = 'POST /api/v1/audit-log/content-readings';
const body = { request: 'id-1', by: 'root (0)' };
const found = (records: readonly string[]) => ({
  searchAuditLog: () => Promise.resolve({ records, next: undefined }),
});

test('who reads content is recorded, and the answer has none', async () => {
  const admin = createTestAdmin(found(['{}']));
  const answer = await admin.ask(READINGS, { body });
  assert.deepEqual([answer.status, answer.json], [200, { request: 'id-1' }]);
  assert.deepEqual(admin.log, ['socket audit-log.read id-1']);
});

for (const { name, overrides, asked, status } of [
  { name: 'a request that has no record', overrides: found([]), asked: body, status: 404 },
  { name: 'a log that is turned off', overrides: {}, asked: body, status: 409 },
  { name: 'nobody', overrides: found(['{}']), asked: { request: 'id-1' }, status: 400 },
  { name: 'a name with a line end', overrides: found(['{}']), asked: { ...body, by: 'a\nb' }, status: 400 },
])
  test(`a reading by way of ${name} is refused and not recorded`, async () => {
    const admin = createTestAdmin(overrides);
    assert.equal((await admin.ask(READINGS, { body: asked })).status, status);
    assert.deepEqual(admin.log, []);
  });
