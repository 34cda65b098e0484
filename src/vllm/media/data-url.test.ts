import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../fields/refusal.ts';
import { base64Bytes, parseDataUrl } from './data-url.ts';

test('takes apart type and data', () => {
  assert.deepEqual(parseDataUrl('data:image/png;base64,QUJD'), { mediaType: 'image/png', data: 'QUJD', bytes: 3 });
  assert.deepEqual(parseDataUrl('data:image/svg+xml;base64,QQ=='), {
    mediaType: 'image/svg+xml',
    data: 'QQ==',
    bytes: 1,
  });
});

for (const url of [
  '',
  'data:',
  'data:,QUJD',
  'data:;base64,QUJD',
  'data:image/png,QUJD',
  'data:image/png;base64',
  'data:image/png;base64,',
  'DATA:image/png;base64,QUJD',
  'data:image/PNG;base64,QUJD',
  'data:image/png;BASE64,QUJD',
  'data:image/png;charset=utf-8;base64,QUJD',
  'data: image/png;base64,QUJD',
  ' data:image/png;base64,QUJD',
  'data:image/png;base64, QUJD',
  'data:image/png;base64,QU JD',
  'data:image/png;base64,QUJD\n',
  'data:image/png;base64,QUJ',
  'data:image/png;base64,QUJDR',
  'data:image/png;base64,QUI',
  'data:image/png;base64,Q===',
  'data:image/png;base64,====',
  'data:image/png;base64,QU==QUJD',
  'data:image/png;base64,QUI=QUI=',
  'data:image/png;base64,QUJ_',
  'data:image/png;base64,QUJ-',
  'data:image/png;base64,QUJ%3D',
  'data:image/png;base64,QUJé',
  'data:image/png;base64,QR==',
  'data:image/png;base64,QUJ=',
  'https://a.example/x.png',
  'file:///etc/passwd',
]) {
  test(`refuses ${JSON.stringify(url)}`, () => assert.ok(parseDataUrl(url) instanceof Refusal));
}

test('bytes of any content come through, and are counted', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64');
      assert.equal(base64Bytes(text), bytes.length);
    }),
  );
});

test('what is accepted as base64 has no other spelling', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.base64String(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[A-Z]{2,3}={0,2}$/)),
      (text) => {
        if (base64Bytes(text) !== undefined) assert.equal(Buffer.from(text, 'base64').toString('base64'), text);
      },
    ),
  );
});
