import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Actor } from '../admin/ports.ts';
import type { ApiKeyRecord, RecordChange, UserRecord } from '../directory/records.ts';
import { directoryWith } from '../../test/support/directory.ts';
import type { ChangeRecord } from '../kernel/record.ts';
import { createChangeLog } from './change-log.ts';

const KEY: ApiKeyRecord = {
  id: 'Ab12Cd',
  name: 'ci',
  tenant: 'acme',
  digest: new Uint8Array(32).fill(7),
  previous: { digest: new Uint8Array(32).fill(9), untilMs: 5 },
  scopes: ['inference:chat'],
  models: ['*'],
  allowIp: [],
  denyIp: [],
  limits: {},
  grants: [],
  caps: {},
  onBehalfOf: undefined,
  owner: undefined,
  roles: [],
  groups: [],
  isImported: false,
  createdAtMs: 1,
  expiresAtMs: undefined,
  state: 'active',
  version: 1,
};

function setUp() {
  const noted: ChangeRecord[] = [];
  const directory = directoryWith({ apiKeys: [KEY] });
  const log = createChangeLog(
    () => 42,
    (change) => noted.push(change),
  );
  const change = (record: Partial<ApiKeyRecord>): readonly RecordChange[] => [
    { kind: 'api-key', record: { ...KEY, ...record, version: 2 }, expectedVersion: 1 },
  ];
  return { noted, directory, log, change };
}

const socket: Actor = { kind: 'socket' };

test('rights that come with a role or a group are in the change, and those that were there before are not', () => {
  const { noted, log, change } = setUp();
  const rights = { models: [], grants: [], limits: {}, createdAtMs: 1, state: 'active', version: 1 } as const;
  const directory = directoryWith({
    apiKeys: [KEY],
    roles: [{ ...rights, id: 'operators', scopes: ['admin:write'] }],
    groups: [{ ...rights, id: 'ops', scopes: ['audit:read'], tenant: undefined, roles: ['operators'], pool: {} }],
  });
  log.committed(change({ groups: ['ops'] }), directory);
  assert.deepEqual(noted[0]?.gained?.toSorted(), ['admin:write', 'audit:read']);
  directory.apply(change({ groups: ['ops'] }));
  log.committed(change({ groups: ['ops'], name: 'other' }), directory);
  assert.equal(noted[1]?.gained, undefined);
});

test('a change is named by the operation that made it, with what has changed, before and after', async () => {
  const { noted, directory, log, change } = setUp();
  await log.as(socket, undefined, async () => {
    await turn();
    log.committed(change({ state: 'revoked' }), directory);
    await turn();
    log.told('api-keys.revoke', 'Ab12Cd');
  });
  assert.deepEqual(noted, [
    {
      kind: 'change',
      timeMs: 42,
      actor: { id: 'command', tenant: undefined, address: undefined },
      resource: 'api-keys',
      id: 'Ab12Cd',
      tenant: 'acme',
      operation: 'revoke',
      before: { state: 'active', version: 1 },
      after: { state: 'revoked', version: 2 },
    },
  ]);
});

test('what is new is told whole, and nothing secret of it', async () => {
  const { noted, directory, log } = setUp();
  const user: UserRecord = {
    id: 'u1',
    nameDigest: new Uint8Array(32).fill(3),
    tenant: 'acme',
    scopes: [],
    models: undefined,
    groups: [],
    sealed: 'SEALED-TEXT',
    createdAtMs: 1,
    lastSignInAtMs: undefined,
    state: 'invited',
    version: 1,
  };
  await log.as(socket, undefined, async () => {
    await turn();
    const key = { ...KEY, id: 'New000' };
    log.committed(
      [
        { kind: 'api-key', record: key, expectedVersion: 0 },
        { kind: 'user', record: user, expectedVersion: 0 },
      ],
      directory,
    );
  });
  assert.deepEqual(
    noted.map(({ operation, resource, before }) => [operation, resource, before]),
    [
      ['create', 'api-keys', undefined],
      ['create', 'users', undefined],
    ],
  );
  assert.equal(noted[0]?.after?.['digest'], '***');
  assert.deepEqual(noted[0].after['previous'], { digest: '***', untilMs: 5 });
  const text = JSON.stringify(noted);
  for (const secret of ['SEALED-TEXT', '7,7,7', '"0":7', '"0":3']) assert.ok(!text.includes(secret), secret);
});

test('two who change things at the same time are not taken for each other', async () => {
  const { noted, directory, log, change } = setUp();
  const other = { kind: 'principal', principal: { id: 'key:Ef34Gh', tenant: 'ops' } } as unknown as Actor;
  const work = (name: string) => async () => {
    await turn();
    log.committed(change({ name }), directory);
    await turn();
    log.told('api-keys.edit', 'Ab12Cd');
  };
  await Promise.all([log.as(socket, undefined, work('a')), log.as(other, '192.0.2.9', work('b'))]);
  assert.deepEqual(
    noted.map(({ actor, after }) => [actor.id, actor.address, after?.['name']]),
    [
      ['command', undefined, 'a'],
      ['key:Ef34Gh', '192.0.2.9', 'b'],
    ],
  );
});

test('what the gateway does by itself is its own; what fails half way is told as far as it went', async () => {
  const { noted, directory, log, change } = setUp();
  log.committed(change({ name: 'c' }), directory);
  const failing = log.as(socket, undefined, async () => {
    await turn();
    log.committed(change({ name: 'd' }), directory);
    throw new Error('half way');
  });
  await assert.rejects(failing, /half way/);
  assert.deepEqual(
    noted.map(({ actor, operation }) => [actor.id, operation]),
    [
      ['gateway', 'update'],
      ['command', 'update'],
    ],
  );
});

test('an operation that changes nothing in the store is told as well', async () => {
  const { noted, log } = setUp();
  await log.as(socket, undefined, async () => {
    await turn();
    log.told('keyring.rotate', 'root1');
  });
  assert.deepEqual(
    noted.map(({ resource, id, operation }) => [resource, id, operation]),
    [['keyring', 'root1', 'rotate']],
  );
});
