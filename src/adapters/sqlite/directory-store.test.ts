import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdChange } from '../../directory/quarantines.ts';
import type { SharedNotes } from '../../directory/shared-holds.ts';
import { VersionConflict } from '../../directory/store.ts';
import { createTokenUses, MAX_KEPT, type TokenUse } from '../../directory/token-uses.ts';
import { openSqliteStore } from './directory-store.ts';

const use = (i: number): TokenUse => ({
  ...{ issuer: 'https://issuer.example.org', client: '', subject: `s${i}`, lastIssuedAtMs: undefined },
  ...{ lastUsedAtMs: i, count: 1, networks: [] },
});

test('subjects without number fill neither disk nor memory: those that were idle longest are forgotten', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-uses-'));
  const store = openSqliteStore(join(dir, 'sallyport.db'));
  try {
    const all = Array.from({ length: MAX_KEPT + 500 }, (_, i) => use(i));
    await store.noteTokenUses(all.slice(500));
    await store.noteTokenUses(all.slice(0, 500));
    // Written in the next group, which this one waits for.
    await store.write([]);
    const { tokenUses } = await store.readAll();
    assert.deepEqual([tokenUses.length, tokenUses[0]?.subject], [MAX_KEPT, 's500']);
    const kept = createTokenUses(all).list();
    assert.deepEqual([kept.length, kept[0]?.subject], [MAX_KEPT, 's500']);
  } finally {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('bans are kept, one for each network; what was lifted or is long over is forgotten', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-bans-'));
  const path = join(dir, 'sallyport.db');
  const ban = (network: string, untilMs: number) => ({ network, reason: 'scan', number: 2, startedAtMs: 1, untilMs });
  let store = openSqliteStore(path);
  try {
    await store.noteBans([ban('192.0.2.1', 50), ban('192.0.2.2', 200), ban('192.0.2.3', 300)], 40);
    await store.noteBans([ban('192.0.2.2', 400), { ...ban('192.0.2.3', 0), number: 3 }], 50);
    await store.close();
    store = openSqliteStore(path);
    assert.deepEqual((await store.readAll()).bans, [ban('192.0.2.1', 50), ban('192.0.2.2', 400)]);
    await store.noteBans([ban('192.0.2.4', 500)], 51);
    await store.write([]);
    assert.deepEqual(
      (await store.readAll()).bans.map(({ network }) => network),
      ['192.0.2.2', '192.0.2.4'],
    );
  } finally {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('a note of what is shared is written with its change or not at all, and found by the next process', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-notes-'));
  const path = join(dir, 'sallyport.db');
  const note = (recordVersion: number, version: number, seen = 0): SharedNotes => [
    ['key:a', { recordVersion, version, seen }],
  ];
  let store = openSqliteStore(path);
  try {
    const hold = holdChange({ quarantines: new Map() }, { id: 'key:a', rule: 'operator', why: '', heldAtMs: 1 });
    await store.write([hold], note(1, 1_800_000_000_000));
    await assert.rejects(store.write([hold], note(2, 1_800_000_000_001)), VersionConflict);
    assert.deepEqual((await store.readAll()).sharedNotes, note(1, 1_800_000_000_000));
    await store.write([], note(3, 1_800_000_000_002, 1_800_000_000_000));
    await store.close();
    store = openSqliteStore(path);
    const { sharedNotes, quarantines } = await store.readAll();
    assert.deepEqual(sharedNotes, note(3, 1_800_000_000_002, 1_800_000_000_000));
    assert.deepEqual(
      quarantines.map(({ version }) => version),
      [1],
    );
  } finally {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
