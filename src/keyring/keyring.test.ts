import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { anyRoot, memoryKeyStore } from '../../test/support/keyring.ts';
import type { SealedPlace } from '../kernel/sealer.ts';
import { encrypt, decrypt } from './envelope.ts';
import { openKeyring, rootKeyOf, WrongRootKey, type RootKey } from './keyring.ts';

const DAY_MS = 86_400_000;
const place: SealedPlace = { tenant: 'acme', purpose: 'user', row: 'u1' };

function ring(store = memoryKeyStore(), root: RootKey = anyRoot(), nowMs: () => number = () => 1_000) {
  return openKeyring({ root, store, randomBytes, nowMs });
}

const anyPlace = fc.record({ tenant: fc.string(), purpose: fc.string(), row: fc.string() });

test('whatever is sealed opens in its place, after a restart too, and shows nothing of itself', async () => {
  await fc.assert(
    fc.asyncProperty(anyPlace, fc.string({ unit: 'binary' }), async (where, plain) => {
      const [store, root] = [memoryKeyStore(), anyRoot()];
      const sealed = await (await ring(store, root)).seal(where, plain);
      assert.equal(await (await ring(store, root)).open(where, sealed), Buffer.from(plain).toString());
      assert.ok(plain.length < 8 || !sealed.includes(plain));
    }),
    { numRuns: 50 },
  );
});

test('a value that is moved to another row, tenant or purpose does not open', async () => {
  const it = await ring();
  const others = await Promise.all(
    [
      { ...place, row: 'u2' },
      { ...place, tenant: 'other' },
      { ...place, purpose: 'artifact' },
      // Fields that run into each other are no way around: each is quoted.
      { tenant: 'acme', purpose: 'user","u1', row: '' },
    ].map(async (where) => ({ where, sealed: await it.seal(where, 'theirs') })),
  );
  const own = await it.seal(place, 'own');
  for (const { where, sealed } of others) {
    await assert.rejects(it.open(place, sealed), JSON.stringify(where));
    await assert.rejects(it.open(where, own), JSON.stringify(where));
    assert.equal(await it.open(where, sealed), 'theirs');
  }
});

test('of places that differ, none opens what another has sealed', async () => {
  const it = await ring();
  await fc.assert(
    fc.asyncProperty(anyPlace, anyPlace, async (a, b) => {
      fc.pre(JSON.stringify([a.tenant, a.purpose, a.row]) !== JSON.stringify([b.tenant, b.purpose, b.row]));
      await assert.rejects(it.open(b, await it.seal(a, 'x')));
    }),
    { numRuns: 100 },
  );
});

test('a value in which any bit is turned does not open, nor one that is shortened or spelt otherwise', async () => {
  const it = await ring();
  const sealed = await it.seal(place, 'a secret');
  const [version, id, text = ''] = sealed.split('.');
  const bytes = Buffer.from(text, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const turned = Buffer.from(bytes);
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await assert.rejects(it.open(place, `${version}.${id}.${turned.toString('base64url')}`), `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length).toString('base64url');
    await assert.rejects(it.open(place, `${version}.${id}.${cut}`), `${length} bytes`);
  }
  for (const other of [`v2.${id}.${text}`, `${version}..${text}`, `${sealed}.`, `${sealed}=`, `${sealed} `, ''])
    await assert.rejects(it.open(place, other), other);
});

test('no nonce is used twice, over many values and keys', async () => {
  const it = await ring();
  const seen = new Set<string>();
  const COUNT = 10_000;
  for (let i = 0; i < COUNT; i++) {
    const sealed = await it.seal({ ...place, tenant: `t${i % 3}` }, 'x');
    seen.add(sealed.split('.')[2]?.slice(0, 16) ?? '');
  }
  assert.equal(seen.size, COUNT);
});

test('two seals of one text in one place have nothing in common', async () => {
  const it = await ring();
  const [a, b] = [await it.seal(place, 'same'), await it.seal(place, 'same')];
  assert.notEqual(a.split('.')[2]?.slice(16), b.split('.')[2]?.slice(16));
});

test('another root key opens nothing, and is told apart from a data key that was changed', async () => {
  const [store, root] = [memoryKeyStore(), anyRoot()];
  await (await ring(store, root)).seal(place, 'x');
  await assert.rejects(ring(store, anyRoot()), WrongRootKey);
  const [kept] = await store.list();
  assert.ok(kept);
  for (const worse of [
    { ...kept, tenant: 'other' },
    { ...kept, purpose: 'other' },
    { ...kept, wrapped: `${kept.wrapped.slice(0, -3)}AAA` },
  ]) {
    store.keys.set(kept.id, worse);
    await assert.rejects(ring(store, root), { code: 'wrong_root_key', message: /changed/ });
  }
  store.keys.clear();
  store.keys.set('another', { ...kept, id: 'another' });
  await assert.rejects(ring(store, root), { code: 'wrong_root_key', message: /changed/ });
});

test('the id of a root key does not tell the root key', () => {
  const root = anyRoot();
  assert.match(root.rootId, /^[\w-]{11}$/);
  assert.ok(!Buffer.from(root.bytes).toString('base64url').includes(root.rootId));
});

test('a data key seals nothing before it is kept, and nothing where it cannot be kept', async () => {
  const store = memoryKeyStore();
  const it = await ring(store);
  store.nextPut = 'failed';
  await assert.rejects(it.seal(place, 'x'), /the store is gone/);
  assert.equal(store.keys.size, 0);
  let wasKept = false;
  const watched = {
    ...store,
    async put(keys: Parameters<typeof store.put>[0], root: Parameters<typeof store.put>[1]) {
      await store.put(keys, root);
      wasKept = true;
    },
  };
  await (await ring(watched)).seal(place, 'x');
  assert.ok(wasKept, 'it was sealed with a key that nobody keeps');
  assert.equal(store.keys.size, 1);
});

test('the first seals of a slot, at once, make one data key; each tenant and purpose has its own', async () => {
  const store = memoryKeyStore();
  const it = await ring(store);
  const sealed = await Promise.all(Array.from({ length: 50 }, (_, i) => it.seal({ ...place, row: `${i}` }, 'x')));
  assert.equal(store.keys.size, 1);
  assert.equal(new Set(sealed.map((one) => one.split('.')[1])).size, 1);
  await Promise.all([it.seal({ ...place, tenant: 'b' }, 'x'), it.seal({ ...place, purpose: 'b' }, 'x')]);
  assert.equal(store.keys.size, 3);
});

test('a data key seals for 30 days; the one after it is made once, and both open, with the clock set back too', async () => {
  const [store, root] = [memoryKeyStore(), anyRoot()];
  let nowMs = 0;
  const it = await ring(store, root, () => nowMs);
  const first = await it.seal(place, 'first');
  nowMs = 30 * DAY_MS - 1;
  await it.seal(place, 'x');
  assert.equal(store.keys.size, 1);
  nowMs = 30 * DAY_MS;
  store.nextPut = 'failed';
  await assert.rejects(it.seal(place, 'x'));
  const [second] = await Promise.all(Array.from({ length: 20 }, () => it.seal(place, 'second')));
  assert.equal(store.keys.size, 2);
  nowMs = 0;
  await it.rewrap({ isFresh: true });
  const again = await ring(store, root, () => nowMs);
  for (const [sealed = '', plain] of [
    [first, 'first'],
    [second, 'second'],
  ])
    assert.equal(await again.open(place, sealed), plain);
  const latest = (await store.list()).at(-1)?.id;
  assert.equal((await again.seal(place, 'x')).split('.')[1], latest);
  assert.equal((await it.seal(place, 'x')).split('.')[1], latest);
});

test('with a new root key everything opens under it, and nothing under the one before', async () => {
  const [store, before, after] = [memoryKeyStore(), anyRoot(), anyRoot()];
  const it = await ring(store, before);
  const sealed = await it.seal(place, 'x');
  await it.rewrap({ root: after, isFresh: false });
  assert.deepEqual(store.record, { rootId: after.rootId, source: 'auto', kdf: undefined });
  assert.equal(await it.open(place, sealed), 'x');
  assert.equal(await (await ring(store, after)).open(place, sealed), 'x');
  await assert.rejects(ring(store, before), WrongRootKey);
  assert.equal(store.keys.size, 1);
});

test('with new data keys what is sealed from then on has them, and what was before still opens', async () => {
  const [store, root] = [memoryKeyStore(), anyRoot()];
  const it = await ring(store, root);
  const before = await it.seal(place, 'before');
  await it.rewrap({ isFresh: true });
  const after = await it.seal(place, 'after');
  assert.notEqual(before.split('.')[1], after.split('.')[1]);
  for (const one of [it, await ring(store, root)]) {
    assert.equal(await one.open(place, before), 'before');
    assert.equal(await one.open(place, after), 'after');
    assert.equal((await one.seal(place, 'x')).split('.')[1], after.split('.')[1]);
  }
});

for (const how of ['lost', 'failed'] as const) {
  test(`a rotation whose write was ${how} leaves every data key under one root key, also those made after it`, async () => {
    const [store, before, after] = [memoryKeyStore(), anyRoot(), anyRoot()];
    const it = await ring(store, before);
    const sealed = await it.seal(place, 'x');
    store.nextPut = how;
    await assert.rejects(it.rewrap({ root: after, isFresh: true }), /the store is gone/);
    const later = await it.seal({ ...place, tenant: 'new' }, 'later');
    const now = await ring(store, how === 'lost' ? after : before);
    assert.equal(await now.open(place, sealed), 'x');
    assert.equal(await now.open({ ...place, tenant: 'new' }, later), 'later');
    assert.equal(await now.open(place, await it.seal(place, 'y')), 'y');
  });
}

test('what is sealed before, during and after rotations opens, in this process and the next, whatever the order', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('seal' as const), slot: fc.nat({ max: 3 }) }),
    fc.record({ do: fc.constant('rotate' as const), isFresh: fc.boolean(), isNew: fc.boolean() }),
    fc.record({ do: fc.constant('lose' as const), how: fc.constantFrom('lost' as const, 'failed' as const) }),
    fc.constant({ do: 'wait' as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const store = memoryKeyStore();
      const roots = [anyRoot()];
      const it = await ring(store, roots[0]);
      const sealed: { where: SealedPlace; plain: string; text: string }[] = [];
      const running: Promise<unknown>[] = [];
      for (const [i, one] of steps.entries()) {
        if (one.do === 'wait') await Promise.allSettled(running);
        else if (one.do === 'lose') store.nextPut = one.how;
        else if (one.do === 'rotate') {
          const root = one.isNew ? anyRoot() : undefined;
          if (root !== undefined) roots.push(root);
          running.push(it.rewrap({ root, isFresh: one.isFresh }));
        } else {
          const where = { tenant: `t${one.slot}`, purpose: 'p', row: `${i}` };
          running.push(it.seal(where, `${i}`).then((text) => sealed.push({ where, plain: `${i}`, text })));
        }
      }
      await Promise.allSettled(running);
      store.nextPut = 'done';
      await it.seal(place, 'last');
      const rootIds = new Set((await store.list()).map(({ rootId }) => rootId));
      assert.equal(rootIds.size, 1, 'one root key opens all');
      const root = roots.find(({ rootId }) => rootIds.has(rootId));
      const next = await ring(store, root ?? assert.fail());
      for (const { where, plain, text } of sealed) {
        assert.equal(await it.open(where, text), plain);
        assert.equal(await next.open(where, text), plain);
      }
    }),
    { numRuns: 200 },
  );
});

test('a data key in the place of a value does not open, nor a value as a data key', () => {
  const key = rootKeyOf(randomBytes(32), 'auto').bytes;
  const sealed = encrypt(key, Buffer.from('x'), 'one', randomBytes);
  assert.throws(() => decrypt(key, sealed, 'two'));
  assert.equal(decrypt(key, sealed, 'one').toString(), 'x');
});
