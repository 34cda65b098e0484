import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createPasswordHasher, HashingBusy } from './password.ts';

const hasher = createPasswordHasher((count) => randomBytes(count));
const PASSWORD = 'correct horse battery';

test('a password is kept as the PHC string of argon2id, with another salt each time', async () => {
  const [one, two] = await Promise.all([hasher.hash(PASSWORD), hasher.hash(PASSWORD)]);
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one, two);
  assert.equal(await hasher.verify(PASSWORD, one), true);
  assert.equal(await hasher.verify(`${PASSWORD} `, one), false);
});

test('one text has one form, however a keyboard has composed it', async () => {
  const composed = await hasher.hash('caf\u00e9 con leche');
  assert.equal(await hasher.verify('cafe\u0301 con leche', composed), true);
});

test('without a hash the answer is no, and takes as long', async () => {
  const hash = await hasher.hash(PASSWORD);
  const time = async (phc: string | undefined) => {
    const startMs = performance.now();
    for (let i = 0; i < 3; i += 1) assert.equal(await hasher.verify('wrong horse battery', phc), false);
    return performance.now() - startMs;
  };
  const known = await time(hash);
  const unknown = await time(undefined);
  assert.ok(unknown > known / 3, `${unknown} ms against ${known} ms`);
  assert.equal(await hasher.verify('', undefined), false);
});

test('a password longer than any of ours is none, nor is the empty one', async () => {
  const hash = await hasher.hash('');
  assert.equal(await hasher.verify('x'.repeat(257), hash), false);
  assert.equal(await hasher.verify('', hash), false);
});

test('what cannot be answered soon is refused at once', async () => {
  const asked = await Promise.allSettled(Array.from({ length: 70 }, () => hasher.verify(PASSWORD, undefined)));
  const refused = asked.filter((one) => one.status === 'rejected');
  assert.equal(refused.length, 4);
  assert.ok(refused.every((one) => one.reason instanceof HashingBusy));
});
