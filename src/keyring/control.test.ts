import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { memoryKeyStore, memoryRootKeyFiles } from '../../test/support/keyring.ts';
import { createKeyringControl } from './control.ts';
import { rootIdOf } from './envelope.ts';
import { rootKeyOf } from './keyring.ts';
import { deriveRootKey, newKdf } from './passphrase.ts';

const place = { tenant: '', purpose: 'artifact', row: 'a' };

function world() {
  const [store, files] = [memoryKeyStore(), memoryRootKeyFiles()];
  /** A process on this state directory. */
  const start = (source = 'auto') => createKeyringControl({ source, store, files, randomBytes, nowMs: () => 1_000 });
  return { store, files, start };
}

test('looking at it makes nothing; the first use makes the root key', async () => {
  const { files, start } = world();
  const it = start();
  await it.check();
  assert.deepEqual(await it.status(), {
    source: 'auto',
    configured: 'auto',
    rootId: undefined,
    dataKeys: [],
    problem: undefined,
  });
  assert.equal(files.own(), undefined);
  await it.open();
  assert.equal(files.own()?.length, 32);
});

test('its status tells every data key, which one seals, and that all open', async () => {
  const { start } = world();
  const it = start();
  const sealer = await it.open();
  await sealer.seal(place, 'x');
  await sealer.seal({ ...place, tenant: 'acme' }, 'x');
  await it.rotate({ isFresh: true });
  const { dataKeys, problem, rootId } = await it.status();
  assert.equal(problem, undefined);
  assert.match(rootId ?? '', /^[\w-]{11}$/);
  const told = dataKeys.map(({ tenant, purpose, isCurrent, isOpen }) => `${tenant}/${purpose} ${isCurrent} ${isOpen}`);
  assert.deepEqual(told.sort(), [
    '/artifact false true',
    '/artifact true true',
    'acme/artifact false true',
    'acme/artifact true true',
  ]);
});

test('a wrong root key is refused at the start where something is encrypted, and only there', async () => {
  const { store, files, start } = world();
  files.ownKey = randomBytes(32);
  await start().check();
  await (await start().open()).seal(place, 'x');
  const right = files.ownKey;
  files.ownKey = randomBytes(32);
  await assert.rejects(start().check(), { code: 'wrong_root_key', message: /is not the one.*restore a backup$/ });
  assert.match((await start().status()).problem ?? '', /is not the one/);
  assert.ok((await start().status()).dataKeys.every(({ isOpen }) => !isOpen));
  files.ownKey = right;
  await start().check();
  store.record = undefined; // as the first version left it
  await start().check();
});

test('a root key file that is gone is not made anew where something is encrypted with it', async () => {
  const { files, start } = world();
  await (await start().open()).seal(place, 'x');
  files.ownKey = undefined;
  await assert.rejects(start().check(), { code: 'wrong_root_key', message: /root\.key is missing.*backup$/ });
  await assert.rejects(start().open(), { code: 'wrong_root_key' });
  assert.equal(files.ownKey, undefined);
});

test('a source that is configured is asked at the start, before anything is encrypted', async () => {
  const { files, start } = world();
  files.keyAt = files.passphraseAt = () => {
    throw new Error('there is no such thing');
  };
  for (const source of ['file:/k', 'env:K', 'credential:k', 'passphrase:env:K'])
    await assert.rejects(start(source).check(), /no such thing/, source);
});

test('a rotation to a key that is given is told by where it lies, until the configuration names that', async () => {
  const { start } = world();
  const it = start();
  const sealed = await (await it.open()).seal(place, 'x');
  const bytes = Buffer.alloc(32, 7);
  const { source, configured, problem, rootId } = await it.rotate({
    root: { source: 'file:/new', bytes, kdf: undefined },
    isFresh: false,
  });
  assert.deepEqual([source, configured, rootId], ['file:/new', 'auto', rootIdOf(bytes)]);
  assert.match(problem ?? '', /came from file:\/new: set keyring.rootKey to it/);
  await assert.rejects(start().check(), { message: /came from file:\/new: set keyring.rootKey to it/ });
  assert.equal(await (await start('file:/new').open()).open(place, sealed), 'x');
  assert.equal(await (await it.open()).open(place, sealed), 'x');
  // And back to a file of its own.
  await start('file:/new').rotate({ root: 'auto', isFresh: false });
  assert.equal(await (await start().open()).open(place, sealed), 'x');
  await assert.rejects(start('file:/new').check(), { message: /came from auto/ });
});

test('a rotation that cannot be is refused, and changes nothing', async () => {
  const { store, start } = world();
  await assert.rejects(start().rotate({ isFresh: true }), {
    code: 'keyring_conflict',
    message: /Nothing is encrypted/,
  });
  const it = start('file:/k');
  await (await it.open()).seal(place, 'x');
  const before = structuredClone([...store.keys]);
  await assert.rejects(it.rotate({ isFresh: false }), { code: 'keyring_conflict', message: /--new-root/ });
  const same = { source: 'file:/other', bytes: Buffer.alloc(32, 7), kdf: undefined };
  await assert.rejects(it.rotate({ root: same, isFresh: false }), { code: 'keyring_conflict', message: /in use/ });
  assert.deepEqual([...store.keys], before);
  await it.rotate({ isFresh: true });
  assert.equal(store.keys.size, 2);
});

/** What a rotation to a new `keys/root.key` does, in this order; it may end before or after each. */
const STEPS = ['writeNext', 'put', 'promoteNext'] as const;
for (const step of STEPS)
  for (const when of ['before', 'after'] as const)
    test(`a rotation that ends ${when} ${step} leaves what opens, and can be done again`, async () => {
      const { store, files, start } = world();
      const sealed = await (await start().open()).seal(place, 'x');
      if (step === 'put') store.nextPut = when === 'before' ? 'failed' : 'lost';
      files.onStep = (at) => {
        if (at === `${when} ${step}`) throw new Error('ended');
      };
      await assert.rejects(start().rotate({ isFresh: true }));
      files.onStep = () => undefined;
      for (let again = 0; again < 2; again++) {
        const next = start();
        await next.check();
        assert.equal((await next.status()).problem, undefined);
        assert.equal(await (await next.open()).open(place, sealed), 'x');
        assert.equal(files.nextKey, undefined, 'nothing is left of it');
        await next.rotate({ isFresh: false });
      }
    });

test('in the process whose rotation failed everything opens and is sealed on, and the next rotation succeeds', async () => {
  for (const how of ['failed', 'lost'] as const) {
    const { store, start } = world();
    const it = start();
    const sealer = await it.open();
    const sealed = await sealer.seal(place, 'x');
    store.nextPut = how;
    await assert.rejects(it.rotate({ isFresh: false }));
    const later = await sealer.seal({ ...place, tenant: 'new' }, 'later');
    await it.rotate({ isFresh: false });
    for (const one of [sealer, await start().open()]) {
      assert.equal(await one.open(place, sealed), 'x');
      assert.equal(await one.open({ ...place, tenant: 'new' }, later), 'later');
    }
  }
});

test('of rotations at once each is whole, whoever looks at it meanwhile', async () => {
  const { files, start } = world();
  const it = start();
  const sealed = await (await it.open()).seal(place, 'x');
  const rotations = Promise.all([it.rotate({ isFresh: false }), it.rotate({ isFresh: true })]);
  const looks: Promise<unknown>[] = [];
  for (let i = 0; i < 50; i++) {
    looks.push(it.status(), it.open());
    await setImmediate();
  }
  const [, last] = await rotations;
  await Promise.all(looks);
  assert.equal(last.problem, undefined);
  assert.equal(rootIdOf(files.own() ?? assert.fail()), last.rootId);
  assert.equal(await (await start().open()).open(place, sealed), 'x');
});

test('a passphrase opens by the salt that is kept; another one does not', async () => {
  const { store, files, start } = world();
  const sealed = await (await start('passphrase:env:P').open()).seal(place, 'x');
  const { kdf } = store.record ?? assert.fail();
  assert.deepEqual([kdf?.memoryKiB, kdf?.passes], [65_536, 3]);
  assert.equal(Buffer.from(kdf?.salt ?? '', 'base64').length, 16);
  assert.equal(await (await start('passphrase:env:P').open()).open(place, sealed), 'x');
  assert.ok(!JSON.stringify([store.record, ...store.keys]).includes('battery'));
  files.passphraseAt = () => 'another horse battery staple';
  await assert.rejects(start('passphrase:env:P').check(), { code: 'wrong_root_key' });
});

test('where a file was the source, a passphrase is refused without making a salt', async () => {
  const { store, start } = world();
  await (await start('file:/k').open()).seal(place, 'x');
  await assert.rejects(start('passphrase:env:P').check(), { message: /came from file:\/k/ });
  assert.equal(store.record?.kdf, undefined);
});

test('a salt that was kept before the process ended is used by the next', async () => {
  const { store, start } = world();
  await start('passphrase:env:P').open();
  const salt = store.record?.kdf?.salt;
  const sealed = await (await start('passphrase:env:P').open()).seal(place, 'x');
  assert.equal(store.record?.kdf?.salt, salt);
  assert.equal(await (await start('passphrase:env:P').open()).open(place, sealed), 'x');
});

test('parameters of a passphrase that were weakened in the store are refused', async () => {
  const kdf = newKdf(randomBytes);
  for (const weak of [
    { memoryKiB: 8 },
    { passes: 1 },
    { salt: 'AAAA' },
    { memoryKiB: 2 ** 31 },
    { lanes: 1_000 },
    { passes: 1e9 },
  ])
    await assert.rejects(deriveRootKey('correct horse battery staple', { ...kdf, ...weak }), RangeError);
});

test('one passphrase in two spellings of its letters is one root key', async () => {
  const kdf = newKdf(randomBytes);
  const [a, b] = await Promise.all([
    deriveRootKey('caf\u00e9 and more words', kdf),
    deriveRootKey('cafe\u0301 and more words', kdf),
  ]);
  assert.equal(rootKeyOf(a, '').rootId, rootKeyOf(b, '').rootId);
});
