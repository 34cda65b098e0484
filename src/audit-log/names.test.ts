import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNames } from './names.ts';

const keyOf = (tenant: string): Uint8Array => createHash('sha256').update(`key of ${tenant}`).digest();

test('a name is the same for the same value, tenant and kind, and differs where one of them does', () => {
  const names = createNames(keyOf);
  const name = names.hide('acme', 'address', '192.0.2.1');
  assert.equal(createNames(keyOf).hide('acme', 'address', '192.0.2.1'), name);
  assert.notEqual(names.hide('other', 'address', '192.0.2.1'), name);
  assert.notEqual(names.hide('acme', 'person', '192.0.2.1'), name);
  assert.notEqual(names.hide('acme', 'address', '192.0.2.2'), name);
  assert.ok(!name.includes('192'));
});

test('who has the key reads every value back, and only as what it is and whose it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (value) => {
      const names = createNames(keyOf);
      const name = names.hide('acme', 'person', value);
      assert.equal(createNames(keyOf).reveal('acme', 'person', name), value);
      assert.equal(names.reveal('acme', 'address', name), undefined);
      assert.equal(names.reveal('other', 'person', name), undefined);
    }),
  );
});

test('a name that was changed is read as nothing', () => {
  const names = createNames(keyOf);
  const name = names.hide('acme', 'person', 'alice@example.com');
  for (let i = 3; i < name.length - 1; i++) {
    const other = `${name.slice(0, i)}${name[i] === 'A' ? 'B' : 'A'}${name.slice(i + 1)}`;
    assert.equal(names.reveal('acme', 'person', other), undefined, String(i));
  }
  assert.equal(names.reveal('acme', 'person', 'alice@example.com'), undefined);
});

test('once a key is destroyed its names are read by nobody, and nothing is named with it any more', () => {
  const keys = new Map([['acme', randomBytes(32)]]);
  const name = createNames((tenant) => keys.get(tenant)).hide('acme', 'address', '192.0.2.1');
  keys.clear();
  const names = createNames((tenant) => keys.get(tenant));
  assert.equal(names.reveal('acme', 'address', name), undefined);
  assert.equal(names.hide('acme', 'address', '192.0.2.1'), 'n1.erased');
});

test('a tenant that is forgotten is asked for its key anew, whose names are other ones, and others keep theirs', () => {
  let key: Uint8Array | undefined = new Uint8Array(32).fill(1);
  const names = createNames((tenant) => (tenant === 'acme' ? key : new Uint8Array(32).fill(2)));
  const name = names.hide('acme', 'address', '192.0.2.1');
  const other = names.hide('other', 'address', '192.0.2.1');
  key = undefined;
  names.forget('acme');
  assert.equal(names.reveal('acme', 'address', name), undefined);
  assert.equal(names.hide('acme', 'address', '192.0.2.1'), 'n1.erased');
  assert.equal(names.hide('other', 'address', '192.0.2.1'), other);
});
