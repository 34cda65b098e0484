import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Artifact } from '../../oauth/artifacts.ts';
import { openSqliteArtifacts } from './artifact-store.ts';
import { openSqliteStore } from './directory-store.ts';

const artifact = (id: string, payload: string): Artifact => ({
  kind: 'DataKey',
  id,
  payload,
  grantId: undefined,
  uid: undefined,
  userCode: undefined,
  account: undefined,
  client: undefined,
  createdAtMs: 1,
  consumedAtMs: undefined,
  expiresAtMs: undefined,
});

test('several are written all or none: one that cannot be takes back those before it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-artifacts-'));
  const store = openSqliteStore(join(dir, 'sallyport.db'));
  const artifacts = openSqliteArtifacts(join(dir, 'sallyport.db'));
  try {
    await artifacts.putAll([artifact('a', 'old'), artifact('b', 'old')]);
    const broken = { ...artifact('c', ''), payload: null } as unknown as Artifact;
    await assert.rejects(artifacts.putAll([artifact('a', 'new'), artifact('b', 'new'), broken]), {
      code: 'store_unavailable',
    });
    const payloads = async () => (await artifacts.list('DataKey', 0)).map(({ id, payload }) => `${id} ${payload}`);
    assert.deepEqual((await payloads()).sort(), ['a old', 'b old']);
    await artifacts.putAll([artifact('a', 'new'), artifact('c', 'new')]);
    assert.deepEqual((await payloads()).sort(), ['a new', 'b old', 'c new']);
  } finally {
    artifacts.close();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
