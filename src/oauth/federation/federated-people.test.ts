import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import type { RecordChange, UserRecord } from '../../directory/records.ts';
import type { DirectoryState } from '../../directory/state.ts';
import { StoreUnavailable } from '../../directory/store.ts';
import { createFederatedPeople } from './federated-people.ts';

/** A directory whose store takes a while. @param failures how many of its first commits fail */
function directoryOf(failures = 0) {
  const users = new Map<string, UserRecord>();
  let left = failures;
  const people = createFederatedPeople(
    {
      directory: {
        users,
        tenants: new Map([['default', { isDisabled: false }]]),
        revocations: new Map(),
      } as unknown as DirectoryState,
      async commit(changes: readonly RecordChange[]) {
        await new Promise((resolve) => void setImmediate(resolve));
        if ((left -= 1) >= 0) throw new StoreUnavailable('down');
        for (const change of changes) if (change.kind === 'user') users.set(change.record.id, change.record);
      },
      sealer: { seal: (_, text) => Promise.resolve(text), open: (_, text) => Promise.resolve(text) },
      hmacKey: Buffer.alloc(32, 1),
      randomBytes,
      clock: settableClock(),
      endAccess: () => Promise.resolve(),
    },
    'https://login.example.org',
  );
  return { users, people };
}

const ada = { subject: '1', name: 'ada', groups: ['chat'] };

test('of many first sign-ins at once one makes the person, and all are that person', async () => {
  const { users, people } = directoryOf();
  const ids = await Promise.all([1, 2, 3, 4].map(() => people.admit(ada)));
  assert.equal(users.size, 1);
  assert.deepEqual(new Set(ids), new Set(users.keys()));
});

test('where the first could not be kept, one of those that waited makes the person', async () => {
  const { users, people } = directoryOf(1);
  const done = await Promise.allSettled([1, 2, 3].map(() => people.admit(ada)));
  assert.deepEqual(
    done.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
  assert.equal(users.size, 1);
});

test('a subject is somebody else at another issuer, and in other letters', async () => {
  const { users, people } = directoryOf();
  for (const subject of ['a', 'A', ' a']) await people.admit({ ...ada, subject });
  assert.equal(users.size, 3);
});
