import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestAdmin } from '../../test/support/admin.ts';
import { KeyringConflict, type KeyringChange, type KeyringStatus } from '../kernel/keyring-control.ts';

const ROTATE = 'POST /api/v1/keyring/rotate';
const key = Buffer.alloc(32, 7).toString('base64');
const kdf = { salt: 'AAAA', memoryKiB: 65_536, passes: 3, lanes: 4 };
const status: KeyringStatus = {
  source: 'auto',
  configured: 'auto',
  rootId: 'Zk3mUuQy8sE',
  dataKeys: [{ id: 'a', tenant: '', purpose: 'user', createdAtMs: 0, isCurrent: true, isOpen: false }],
  problem: 'a data key cannot be opened',
};

/** The admin API over a keyring that notes what it is asked for. */
function adminOver(refused?: string) {
  const asked: KeyringChange[] = [];
  const admin = createTestAdmin({
    keyring: {
      status: () => Promise.resolve(status),
      rotate(change) {
        asked.push(change);
        return refused === undefined ? Promise.resolve(status) : Promise.reject(new KeyringConflict(refused));
      },
    },
  });
  return { ...admin, asked };
}

test('the keyring is shown with what does not open, and without a key', async () => {
  const { json } = await adminOver().ask('GET /api/v1/keyring', { as: ['admin:read'] });
  assert.deepEqual([json['allOpen'], json['problem'], json['rootKeyId']], [false, status.problem, status.rootId]);
  const [shown] = json['dataKeys'] as Record<string, unknown>[];
  assert.deepEqual(shown, {
    id: 'a',
    tenant: null,
    purpose: 'user',
    createdAt: '1970-01-01T00:00:00.000Z',
    current: true,
    open: false,
  });
});

for (const [what, body, change] of [
  ['nothing', {}, { root: undefined, isFresh: false }],
  ['new data keys', { dataKeys: true }, { root: undefined, isFresh: true }],
  ['a file of its own', { newRoot: { source: 'auto' } }, { root: 'auto', isFresh: false }],
  [
    'a key that is given',
    { newRoot: { source: 'file:/x', key } },
    { root: { source: 'file:/x', bytes: Buffer.from(key, 'base64'), kdf: undefined }, isFresh: false },
  ],
  [
    'one of a passphrase',
    { newRoot: { source: 'passphrase:env:P', key, kdf } },
    { root: { source: 'passphrase:env:P', bytes: Buffer.from(key, 'base64'), kdf }, isFresh: false },
  ],
] as const)
  test(`a rotation that asks for ${what} is done as it asks, and its line in the log shows no key`, async () => {
    const admin = adminOver();
    assert.equal((await admin.ask(ROTATE, { body })).status, 200);
    assert.deepEqual(admin.asked, [change]);
    assert.deepEqual(admin.log, [`socket keyring.rotate ${status.rootId}`]);
  });

for (const [what, newRoot, param] of [
  ['without its key', { source: 'file:/x' }, 'newRoot.key'],
  ['with a key for the own file', { source: 'auto', key }, 'newRoot.key'],
  ['with a key of 31 bytes', { source: 'file:/x', key: Buffer.alloc(31).toString('base64') }, 'newRoot.key'],
  ['with the key as its source', { source: key, key }, 'newRoot.source'],
  ['of a passphrase without its salt', { source: 'passphrase:env:P', key }, 'newRoot.kdf'],
  ['of a file with a salt', { source: 'file:/x', key, kdf }, 'newRoot.kdf'],
] as const)
  test(`a new root key ${what} is refused, and its value is not repeated`, async () => {
    const admin = adminOver();
    const { status: code, json, text } = await admin.ask(ROTATE, { body: { newRoot } });
    assert.deepEqual([code, json['code'], json['param'], admin.asked], [400, 'invalid_field', param, []]);
    assert.ok(!text.includes(key.slice(0, 20)));
  });

test('a new root key does not come over the network, whatever the scopes; a rotation of the own file may', async () => {
  const admin = adminOver();
  const as = ['admin:read', 'admin:write'] as const;
  for (const newRoot of [{ source: 'file:/x', key }, { source: 'auto' }]) {
    const { status: code, json } = await admin.ask(ROTATE, { as, body: { newRoot } });
    assert.deepEqual([code, json['code'], json['param'], admin.asked], [400, 'invalid_field', 'newRoot', []]);
  }
  assert.equal((await admin.ask(ROTATE, { as, body: {} })).status, 200);
});

test('a rotation that cannot be is 409 with why', async () => {
  const { json, status: code } = await adminOver('Nothing is encrypted yet.').ask(ROTATE, { body: {} });
  assert.deepEqual([code, json['code'], json['detail']], [409, 'conflict', 'Nothing is encrypted yet.']);
});
