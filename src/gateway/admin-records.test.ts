import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestAdmin } from '../../test/support/admin.ts';
import type { AdminRequest } from '../admin/ports.ts';
import { deny } from '../kernel/reasons.ts';
import { adminRecord } from './admin-records.ts';

function setUp(overrides: Parameters<typeof createTestAdmin>[0] = {}) {
  const told: AdminRequest[] = [];
  const admin = createTestAdmin({ ...overrides, noteRequest: (request) => void told.push(request) });
  const lines = () => told.map(({ path, status, denial, principal }) => [path, status, denial?.code, principal?.id]);
  return { admin, told, lines };
}

test('each refusal of the admin listener is recorded, with who was proven to ask', async () => {
  const { admin, lines } = setUp();
  await admin.ask('GET /api/v1/streams', { as: 'nobody' });
  await admin.ask('GET /metrics', { as: 'nobody' });
  await admin.ask('GET /nothing', { as: 'nobody' });
  await admin.ask('POST /api/v1/silences', { as: ['admin:read'], body: {} });
  const { id } = (await admin.deps.authenticate({
    ...{ authorization: 'Bearer scopes=admin:read', xApiKey: undefined, proof: undefined },
    ...{ method: 'GET', path: '/', address: '' },
  })) as { id: string };
  assert.deepEqual(lines(), [
    ['/api/v1/streams', 401, 'missing_credential', undefined],
    ['/metrics', 401, 'missing_credential', undefined],
    ['/nothing', 401, 'missing_credential', undefined],
    ['/api/v1/silences', 403, 'insufficient_scope', id],
  ]);
});

test('an address that may not ask is recorded', async () => {
  const { admin, lines } = setUp({ judgeAddress: () => deny('ip_denied') });
  await admin.ask('GET /api/v1/streams', { as: ['admin:read'] });
  assert.deepEqual(lines(), [['/api/v1/streams', 403, 'ip_denied', undefined]]);
});

test('who reads the audit log is recorded; other answers, and what comes by the socket, are not', async () => {
  const { admin, told } = setUp({ searchAuditLog: () => Promise.resolve({ records: [], next: undefined }) });
  await admin.ask('GET /api/v1/audit-log?limit=1', { as: ['audit:read'] });
  await admin.ask('GET /api/v1/streams', { as: ['admin:read'] });
  await admin.ask('GET /metrics', { as: ['metrics:read'] });
  await admin.ask('GET /nothing');
  assert.deepEqual(
    told.map(({ path, status, denial }) => [path, status, denial]),
    [['/api/v1/audit-log', 200, undefined]],
  );
});

test('a record of the admin listener has no secret and no control character that somebody put into the path', () => {
  const { path, isAdmin, outcome } = adminRecord(
    {
      ...{ requestId: 'r', method: 'GET', path: `/x/sp_Ab12Cd_${'a'.repeat(40)}\u001b[31m`, address: '192.0.2.1' },
      ...{ status: 401, denial: deny('missing_credential'), principal: undefined, startedAtMs: 1 },
    },
    2,
  );
  assert.deepEqual([path, isAdmin, outcome], ['/x/sp_***?[31m', true, 'denial']);
});
