import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createResponseIds, MAX_RESPONSE_ID_CHARS } from './response-id.ts';

const ids = createResponseIds(Buffer.alloc(32, 1));
const alice = { tenant: 'acme', id: 'key:Alice0' };
const response = { upstream: 'main', id: 'resp_9528009aab682245', model: 'tiny' };
const id = ids.seal(response, alice);

const owner = fc.record(
  { tenant: fc.string({ unit: 'binary' }), id: fc.string({ unit: 'binary' }) },
  { noNullPrototype: true },
);
const held = fc.record(
  {
    upstream: fc.string({ maxLength: 64 }),
    id: fc.string({ maxLength: 128 }),
    model: fc.string({ unit: 'grapheme', maxLength: 64 }),
  },
  { noNullPrototype: true },
);

test('what was sealed for an owner opens for it, by an id that is the same each time and shows nothing of it', () => {
  fc.assert(
    fc.property(held, owner, (one, whose) => {
      const sealed = ids.seal(one, whose);
      assert.match(sealed, /^resp_[A-Za-z0-9_-]+$/);
      assert.deepEqual(ids.open(sealed, whose), one);
      assert.equal(ids.seal(one, whose), sealed);
      for (const text of Object.values(one)) if (text.length > 6) assert.ok(!sealed.includes(text));
    }),
  );
});

test('the longest names still make an id that is opened', () => {
  const longest = { upstream: 'u'.repeat(64), id: 'r'.repeat(128), model: '\u4e16'.repeat(256) };
  const sealed = ids.seal(longest, alice);
  assert.ok(sealed.length <= MAX_RESPONSE_ID_CHARS, String(sealed.length));
  assert.deepEqual(ids.open(sealed, alice), longest);
});

test('two responses, and one response of two owners, never have one id', () => {
  fc.assert(
    fc.property(held, held, owner, owner, (one, other, whose, another) => {
      const isSame = JSON.stringify([one, whose]) === JSON.stringify([other, another]);
      assert.equal(ids.seal(one, whose) === ids.seal(other, another), isSame);
    }),
  );
});

test('an id opens for its very owner and for nobody else: neither another tenant nor another key of the same one', () => {
  fc.assert(
    fc.property(held, owner, owner, (one, whose, other) => {
      fc.pre(whose.tenant !== other.tenant || whose.id !== other.id);
      assert.equal(ids.open(ids.seal(one, whose), other), undefined);
    }),
  );
  for (const other of [
    { ...alice, tenant: 'other' },
    { ...alice, id: 'key:Bob000' },
    { tenant: '', id: 'acmekey:Alice0' },
    { tenant: 'acme","key:Alice0', id: '' },
  ]) {
    assert.equal(ids.open(id, other), undefined, JSON.stringify(other));
  }
});

test('an id with any character changed, left out, doubled or added is refused', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= .%\u0000\u00e9';
  for (let i = 0; i < id.length; i++) {
    for (const other of alphabet) {
      if (other === id[i]) continue;
      const changed = id.slice(0, i) + other + id.slice(i + 1);
      assert.equal(ids.open(changed, alice), undefined, `${other} at ${i}`);
    }
    assert.equal(ids.open(id.slice(0, i) + id.slice(i + 1), alice), undefined, `without ${i}`);
    assert.equal(ids.open(id.slice(0, i) + id.slice(i, i + 1) + id.slice(i), alice), undefined, `twice ${i}`);
  }
  for (const added of ['=', '==', 'A', ' ', '\n', '\u0000']) assert.equal(ids.open(id + added, alice), undefined);
});

test('any text that was not sealed is refused', () => {
  const text = fc.oneof(
    fc.string(),
    fc.stringMatching(/^resp_[A-Za-z0-9_-]{0,300}$/),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => `resp_${Buffer.from(bytes).toString('base64url')}`),
  );
  fc.assert(fc.property(text, (one) => assert.equal(ids.open(one, alice), undefined)));
  for (const one of ['', 'resp_', response.id, id.slice(5), id.toUpperCase(), `resp_${'A'.repeat(100_000)}`]) {
    assert.equal(ids.open(one, alice), undefined, one.slice(0, 40));
  }
});

test('an id of another secret is refused', () => {
  assert.equal(createResponseIds(Buffer.alloc(32, 2)).open(id, alice), undefined);
});
