import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { contentDigest, createContentSeals, type ContentPlace } from './content.ts';

const PLACE: ContentPlace = { tenant: 'acme', requestId: 'id-1', part: 'prompt' };

function setUp() {
  const keys = new Map([
    ['acme', randomBytes(32)],
    ['other', randomBytes(32)],
  ]);
  return { keys, seals: createContentSeals((tenant) => keys.get(tenant)) };
}

test('what was sealed for a place comes back there', () => {
  const { seals } = setUp();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (text) => {
      const sealed = seals.seal(PLACE, text);
      assert.ok(sealed);
      assert.deepEqual(seals.open(PLACE, sealed), Buffer.from(text));
    }),
  );
});

for (const [what, change] of [
  ['tenant', { tenant: 'other' }],
  ['request', { requestId: 'id-2' }],
  ['part', { part: 'completion' }],
] as const) {
  test(`what was sealed for another ${what} does not open`, () => {
    const { seals, keys } = setUp();
    // Also where both tenants had one key: the place itself is bound.
    keys.set('other', keys.get('acme') ?? assert.fail());
    const sealed = seals.seal(PLACE, Buffer.from('text'));
    assert.ok(sealed);
    assert.equal(seals.open({ ...PLACE, ...change }, sealed), undefined);
  });
}

test('whatever byte of it is changed, and wherever it is cut, it does not open', () => {
  const { seals } = setUp();
  const sealed = seals.seal(PLACE, Buffer.from('some text'));
  assert.ok(sealed);
  for (let i = 0; i < sealed.length; i++) {
    const changed = sealed.map((byte, at) => (at === i ? byte ^ 1 : byte));
    assert.equal(seals.open(PLACE, changed), undefined, `byte ${i}`);
    assert.equal(seals.open(PLACE, sealed.subarray(0, i)), undefined, `cut at ${i}`);
  }
});

test('the same text is sealed otherwise each time, and has one digest with one tenant and another with another', () => {
  const { seals } = setUp();
  const text = Buffer.from('yes');
  assert.notDeepEqual(seals.seal(PLACE, text), seals.seal(PLACE, text));
  const digest = contentDigest(text);
  assert.match(seals.hash('acme', digest) ?? '', /^c1\.[A-Za-z0-9_-]{43}$/);
  assert.equal(seals.hash('acme', digest), seals.hash('acme', contentDigest(Buffer.from('yes'))));
  assert.notEqual(seals.hash('acme', digest), seals.hash('other', digest));
  assert.notEqual(seals.hash('acme', digest), seals.hash('acme', contentDigest(Buffer.from('no'))));
});

test('a digest is none that could be found without the key', () => {
  const [first, second] = [setUp(), setUp()];
  const digest = contentDigest(Buffer.from('yes'));
  assert.notEqual(first.seals.hash('acme', digest), second.seals.hash('acme', digest));
  assert.ok(!first.seals.hash('acme', digest)?.includes(Buffer.from(digest).toString('base64url')));
});

test('once the key is gone and forgotten nothing is digested, sealed or opened', () => {
  const { seals, keys } = setUp();
  const sealed = seals.seal(PLACE, Buffer.from('text'));
  assert.ok(sealed);
  keys.delete('acme');
  seals.forget('acme');
  assert.equal(seals.open(PLACE, sealed), undefined);
  assert.equal(seals.seal(PLACE, sealed), undefined);
  assert.equal(seals.hash('acme', contentDigest(sealed)), undefined);
});
