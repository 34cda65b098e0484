import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestAdmin } from '../../test/support/admin.ts';
import { loadConfig } from '../config/load.ts';
import { holdChange, releaseChange } from '../directory/quarantines.ts';
import type { ApiKeyRecord, RecordChange, UserRecord } from '../directory/records.ts';
import { NOBODY, sealUser } from '../directory/users.ts';
import type { OwnerWord } from '../kernel/export.ts';
import { createOwnerTeller } from './owner-teller.ts';

const mail = { name: 'mail', type: 'email', host: 'localhost', from: 'a@example.org', to: ['b@example.org'] };

/** A key that somebody of this name owns, and what was told of it. */
async function setUp(name: string, notifyOwners = true, state: UserRecord['state'] = 'active') {
  const loaded = loadConfig({ env: {}, overrides: { alerts: { channels: [{ ...mail, notifyOwners }] } } });
  assert.ok(loaded.ok);
  const admin = createTestAdmin();
  const { deps } = admin;
  const made = await admin.ask('POST /api/v1/api-keys', { body: { name: 'ci' } });
  const key = deps.directory.apiKeys.get(String(made.json['id']));
  assert.ok(key);
  const sealer = await deps.people.sealer();
  const place = { id: 'u_1', tenant: 'default' };
  const user: UserRecord = {
    ...{ ...place, nameDigest: new Uint8Array(32), scopes: [], models: undefined, groups: [], createdAtMs: 0, state },
    ...{ lastSignInAtMs: undefined, version: 1, sealed: await sealUser(place, { ...NOBODY, name }, sealer) },
  };
  const owned: ApiKeyRecord = { ...key, owner: user.id };
  const words: OwnerWord[] = [];
  const problems: string[] = [];
  let fails = false;
  const teller = createOwnerTeller({
    directory: { apiKeys: new Map([[owned.id, owned]]), users: new Map([[user.id, user]]) },
    config: () => loaded.config,
    sealer: () => (fails ? Promise.reject(new Error('closed')) : Promise.resolve(sealer)),
    tell: (word) => words.push(word),
    onProblem: (about) => problems.push(about),
    nowMs: () => 7,
  });
  const held = holdChange(deps.directory, { id: `key:${owned.id}`, rule: 'stolen-key', why: '', heldAtMs: 7 });
  return {
    ...{ owned, words, problems, held },
    breakSealer: () => void (fails = true),
    told: async (...changes: RecordChange[]) => {
      teller.told(changes);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('the owner of a key that is held is told, and not of its release', async () => {
  const { told, words, owned, held } = await setUp('ada@example.org');
  await told(held);
  await told(releaseChange(held.record));
  assert.deepEqual(words, [{ timeMs: 7, address: 'ada@example.org', keyId: owned.id, keyName: 'ci' }]);
});

for (const [title, name, notifyOwners, state] of [
  ['whose name is no address', 'ada', true, 'active'],
  ['whose name is two addresses', 'a@example.org,b@example.org', true, 'active'],
  ['whose name begins another header', 'a@example.org\r\nBcc: b@example.org', true, 'active'],
  ['where no channel asks for it', 'ada@example.org', false, 'active'],
  ['who is deleted', 'ada@example.org', true, 'deleted'],
] as const)
  test(`nobody is told of the key of an owner ${title}`, async () => {
    const { told, words, held } = await setUp(name, notifyOwners, state);
    await told(held);
    assert.deepEqual(words, []);
  });

test('an owner whose address cannot be opened is a problem that is said without it', async () => {
  const { told, words, problems, owned, held, breakSealer } = await setUp('ada@example.org');
  breakSealer();
  await told(held);
  assert.deepEqual([words, problems], [[], [`key:${owned.id}`]]);
});
