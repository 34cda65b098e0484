import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ParsedHead } from '../../kernel/exchange.ts';
import { readHandshake } from './handshake.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const GOOD = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-key': KEY,
  'sec-websocket-version': '13',
};

function read(
  change: Readonly<Record<string, string | undefined>>,
  { hasBody = false, httpVersion = '1.1' }: { hasBody?: boolean; httpVersion?: '1.0' | '1.1' } = {},
) {
  const headers = new Map(
    Object.entries({ ...GOOD, ...change }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const head: ParsedHead = { method: 'GET', path: '/v1/realtime', headers, hasBody, isUpgrade: headers.has('upgrade') };
  return readHandshake(head, { method: 'GET', target: '/v1/realtime', httpVersion, rawHeaders: [] });
}

test('the handshake of RFC 6455 §1.3 is read', () => {
  assert.deepEqual(read({}), { key: KEY, protocol: undefined });
});

for (const [name, change] of [
  ['Upgrade in capitals', { upgrade: 'WebSocket' }],
  ['Connection among others, as Firefox sends it', { connection: 'keep-alive, Upgrade' }],
  ['extensions that are offered', { 'sec-websocket-extensions': 'permessage-deflate' }],
] as const) {
  test(`a handshake with ${name} is read`, () => assert.deepEqual(read(change), { key: KEY, protocol: undefined }));
}

for (const [offered, protocol] of [
  ['realtime', 'realtime'],
  ['realtime, openai-insecure-api-key.sp_secret', 'realtime'],
  ['openai-insecure-api-key.sp_secret', undefined],
  ['graphql-ws', undefined],
  ['realtimex', undefined],
] as const) {
  test(`of the subprotocols "${offered}" ${protocol ?? 'none'} is spoken`, () => {
    assert.deepEqual(read({ 'sec-websocket-protocol': offered }), { key: KEY, protocol });
  });
}

for (const [name, change, more, code] of [
  ['no Upgrade', { upgrade: undefined }, {}, 'upgrade_required'],
  ['another protocol', { upgrade: 'h2c' }, {}, 'upgrade_required'],
  ['two protocols', { upgrade: 'websocket, h2c' }, {}, 'upgrade_required'],
  ['HTTP/1.0', {}, { httpVersion: '1.0' }, 'upgrade_required'],
  ['no version', { 'sec-websocket-version': undefined }, {}, 'upgrade_required'],
  ['version 8', { 'sec-websocket-version': '8' }, {}, 'upgrade_required'],
  ['the version twice', { 'sec-websocket-version': '13, 13' }, {}, 'upgrade_required'],
  ['no Connection', { connection: undefined }, {}, 'invalid_request'],
  ['another Connection', { connection: 'keep-alive' }, {}, 'invalid_request'],
  ['no key', { 'sec-websocket-key': undefined }, {}, 'invalid_request'],
  ['a key of 15 bytes', { 'sec-websocket-key': Buffer.alloc(15).toString('base64') }, {}, 'invalid_request'],
  ['a key of 17 bytes', { 'sec-websocket-key': Buffer.alloc(17).toString('base64') }, {}, 'invalid_request'],
  ['a key that is not canonical', { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZR==' }, {}, 'invalid_request'],
  ['two keys', { 'sec-websocket-key': `${KEY}, ${KEY}` }, {}, 'invalid_request'],
  ['a body', {}, { hasBody: true }, 'invalid_request'],
] as const) {
  test(`a handshake with ${name} is ${code}`, () => {
    const denial = read(change, more);
    assert.ok('code' in denial);
    assert.equal(denial.code, code);
    assert.equal(denial.upgrade, code === 'upgrade_required' ? 'websocket' : undefined);
  });
}

test('every key of 16 bytes is read and no other base64 is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      const isRead = !('code' in read({ 'sec-websocket-key': Buffer.from(bytes).toString('base64') }));
      assert.equal(isRead, bytes.length === 16);
    }),
  );
});
