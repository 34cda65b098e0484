import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createTestAdmin } from '../../test/support/admin.ts';
import { loadConfig } from '../config/load.ts';
import type { JsonObject } from '../kernel/json.ts';
import { createReviews } from './reviews.ts';

const DAY_MS = 86_400_000;

function setUp(t: TestContext, reviews: object = {}) {
  const stateDir = mkdtempSync(join(tmpdir(), 'reviews-'));
  t.after(() => rmSync(stateDir, { recursive: true }));
  const loaded = loadConfig({ file: undefined, env: {}, overrides: { reviews } });
  assert.ok(loaded.ok);
  const admin = createTestAdmin({
    searchAuditLog: ({ object }) =>
      Promise.resolve({ records: [`{"metadata":{"sequence":${object === 'config/x' ? 1 : 7}}}`], next: undefined }),
  });
  const notes: [string, JsonObject][] = [];
  const desk = createReviews({
    ...{ reviewed: () => admin.deps, clock: admin.deps.clock, config: () => loaded.config, stateDir },
    publicUrl: 'https://llm.example',
    note: (id, result) => notes.push([id, result]),
  });
  return { admin, desk, notes };
}

test('a review is kept and told with what it found, and the next one knows it', async (t) => {
  const { admin, desk, notes } = setUp(t);
  await admin.ask('POST /api/v1/api-keys', { body: { name: 'team' } });
  const first = await desk.run();
  assert.deepEqual(
    first.findings.map(({ id, records }) => [id, records]),
    [
      ['key-without-limit', [7]],
      ['key-without-expiry', [7]],
    ],
  );
  const { id: keyId } = admin.deps.directory.apiKeys.values().next().value ?? { id: '' };
  await admin.ask(`PATCH /api/v1/api-keys/${keyId}`, { body: { expires: '30d' } });
  admin.setTime(admin.deps.clock.nowMs() + DAY_MS);
  const second = await desk.run();
  assert.deepEqual(
    [second.previous, second.findings.map(({ isNew }) => isNew), second.gone.map(({ id }) => id)],
    [first.id, [false], ['key-without-expiry']],
  );
  assert.deepEqual([desk.list().map(({ id }) => id), desk.find(first.id)], [[second.id, first.id], first]);
  assert.deepEqual(notes[1], [
    second.id,
    {
      ...{ ok: true, previous: first.id },
      findings: [{ id: 'key-without-limit', severity: 'medium', subject: `api-keys/${keyId}`, isNew: false }],
      gone: [{ id: 'key-without-expiry', subject: `api-keys/${keyId}` }],
    },
  ]);
});

test('of two that are asked for at once there is one', async (t) => {
  const { desk, notes } = setUp(t);
  const [one, other] = await Promise.all([desk.run(), desk.run()]);
  assert.deepEqual([one.id, notes.length], [other.id, 1]);
});

test('an id that is a path is none', async (t) => {
  const { desk } = setUp(t);
  await desk.run();
  for (const id of ['../reviews/r_1', 'schedule', '', 'r_1/../../x']) assert.equal(desk.find(id), undefined, id);
});

test('a review is due when its time has come since the last one, and never where none is wished', async (t) => {
  const { admin, desk } = setUp(t);
  assert.equal(desk.isDue(), false);
  assert.equal(desk.setSchedule('weekly'), true);
  assert.deepEqual([desk.schedule(), desk.isDue()], [{ every: 'weekly', isConfigured: false }, true]);
  await desk.run();
  admin.setTime(admin.deps.clock.nowMs() + 7 * DAY_MS - 1);
  assert.equal(desk.isDue(), false);
  admin.setTime(admin.deps.clock.nowMs() + 1);
  assert.equal(desk.isDue(), true);
});

test('what the configuration says is not changed by a command', (t) => {
  const { desk } = setUp(t, { schedule: 'daily' });
  assert.equal(desk.setSchedule('monthly'), false);
  assert.deepEqual(desk.schedule(), { every: 'daily', isConfigured: true });
});
