import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAnyAddress, isLoopbackHost, urlHost } from './host.ts';

for (const host of [
  '127.0.0.1',
  '127.255.255.254',
  '::1',
  '[::1]',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
  'localhost',
  'LOCALHOST',
])
  test(`${host} is this machine only`, () => assert.ok(isLoopbackHost(host)));

for (const host of [
  '128.0.0.1',
  '126.1.1.1',
  '127.1',
  '0.0.0.0',
  '::',
  '::2',
  '1::1',
  '::1:1',
  '10:0:0:0:0:0:0:1',
  '127.0.0.1.example',
  'localhost.example',
  '',
])
  test(`${host} is not this machine only`, () => assert.ok(!isLoopbackHost(host)));

test('a listener on the unspecified address answers on all', () => {
  assert.deepEqual(['0.0.0.0', '::', '0:0:0:0:0:0:0:0', '127.0.0.1', '::1', 'localhost', '0'].map(isAnyAddress), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test('an IPv6 address stands in brackets in a URL', () => {
  assert.deepEqual(['::1', '127.0.0.1', 'a.example'].map(urlHost), ['[::1]', '127.0.0.1', 'a.example']);
});
