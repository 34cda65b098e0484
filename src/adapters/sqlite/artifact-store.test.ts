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

test('a session that was ended is not written again by a request that had it, under no id and however it was ended', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-artifacts-'));
  const store = openSqliteStore(join(dir, 'sallyport.db'));
  const artifacts = openSqliteArtifacts(join(dir, 'sallyport.db'));
  const session = (id: string, uid: string, account: string): Artifact => ({
    ...artifact(id, 'kept'),
    ...{ kind: 'Session', uid, account, expiresAtMs: 100 },
  });
  const ids = async () => (await artifacts.list('Session', 0)).map(({ id }) => id).sort();
  try {
    for (const one of [session('1', 'first', 'ada'), session('2', 'second', 'ada'), session('3', 'third', 'bob')])
      await artifacts.put(one);
    await artifacts.endSession('first');
    // The library gives a session new ids: it is the same one all the same.
    for (const id of ['1', '1b']) await artifacts.put(session(id, 'first', 'ada'));
    assert.deepEqual(await ids(), ['2', '3']);
    await artifacts.removeAccount('ada');
    for (const id of ['2', '2b']) await artifacts.put(session(id, 'second', 'ada'));
    assert.deepEqual(await ids(), ['3']);
    // Of the same person, and begun after that.
    await artifacts.put(session('4', 'fourth', 'ada'));
    assert.deepEqual(await ids(), ['3', '4']);
    await artifacts.sweep(100);
    assert.deepEqual(await artifacts.list('EndedSession', 0), []);
  } finally {
    artifacts.close();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
