import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_V2_BODY_BYTES, readProxyHeader, type ProxyVersion } from './proxy-header.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';

/** A header of version 2. */
function v2(commandAndKind: string, body: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([Buffer.from(SIGNATURE + commandAndKind, 'hex'), length, body]);
}
const ipv4 = Buffer.from('c0000207c0000201d43101bb', 'hex');
const ipv6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('d43101bb', 'hex'),
]);
const tlvs = Buffer.from('04000100'.repeat(100), 'hex');

for (const [name, version, bytes, address] of [
  ['TCP4', 'v1', 'PROXY TCP4 192.0.2.7 192.0.2.1 54321 443\r\n', '192.0.2.7'],
  ['TCP6', 'v1', 'PROXY TCP6 2001:db8::7 2001:db8::1 0 65535\r\n', '2001:db8::7'],
  ['an unknown connection', 'v1', 'PROXY UNKNOWN\r\n', undefined],
  ['an unknown one with addresses', 'v1', 'PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n', undefined],
  ['TCP over IPv4', 'v2', v2('2111', ipv4), '192.0.2.7'],
  ['TCP over IPv6', 'v2', v2('2121', ipv6), '2001:db8:0:0:0:0:0:7'],
  ['TLVs behind the addresses', 'v2', v2('2111', Buffer.concat([ipv4, tlvs])), '192.0.2.7'],
  ['the longest body', 'v2', v2('2111', Buffer.concat([ipv4, Buffer.alloc(MAX_V2_BODY_BYTES - 12)])), '192.0.2.7'],
  ['the own connection of the proxy', 'v2', v2('2000', Buffer.alloc(0)), undefined],
  ['an own one with addresses, which do not count', 'v2', v2('2011', ipv4), undefined],
  ['an unspecified family', 'v2', v2('2100', Buffer.alloc(3)), undefined],
  ['a Unix socket', 'v2', v2('2131', Buffer.alloc(216)), undefined],
] as const) {
  test(`a header of ${version} for ${name} is read, waited for until it is whole, and no byte beyond it is touched`, () => {
    const whole = Buffer.from(bytes as string);
    const behind = Buffer.concat([whole, Buffer.from('PROXY TCP4 198.51.100.1 198.51.100.2 1 2\r\n')]);
    assert.deepEqual(readProxyHeader(version, whole), { length: whole.length, address });
    assert.deepEqual(readProxyHeader(version, behind), { length: whole.length, address });
    const ends = whole.length < 600 ? [...whole.keys()] : [0, 5, 15, 16, whole.length - 1];
    for (const end of ends) assert.equal(readProxyHeader(version, whole.subarray(0, end)), 'more', `${end}`);
  });
}

for (const [name, version, bytes] of [
  ['a request without header', 'v1', 'GET / HTTP/1.1\r\n'],
  ['a request without header', 'v2', 'GET / HTTP/1.1\r\n'],
  ['a TLS handshake without header', 'v1', Buffer.from('1603010200', 'hex')],
  ['the other version', 'v1', v2('2111', ipv4)],
  ['the other version', 'v2', 'PROXY TCP4 192.0.2.7 192.0.2.1 54321 443\r\n'],
  ['lower case', 'v1', 'proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n'],
  ['an address of the other family', 'v1', 'PROXY TCP4 2001:db8::7 192.0.2.1 1 2\r\n'],
  ['an address with a leading zero', 'v1', 'PROXY TCP4 192.0.2.07 192.0.2.1 1 2\r\n'],
  ['an address with a zone', 'v1', 'PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2\r\n'],
  ['two spaces', 'v1', 'PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n'],
  ['a port too high', 'v1', 'PROXY TCP4 192.0.2.7 192.0.2.1 65536 2\r\n'],
  ['a port with a leading zero', 'v1', 'PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n'],
  ['a missing port', 'v1', 'PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n'],
  ['a bare line feed', 'v1', `PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n${'x'.repeat(100)}\r\n`],
  ['a line without end', 'v1', `PROXY UNKNOWN ${'x'.repeat(93)}`],
  ['a byte of control', 'v1', 'PROXY UNKNOWN \0\r\n'],
  ['another version in v2', 'v2', v2('1111', ipv4)],
  ['another command', 'v2', v2('2211', ipv4)],
  ['UDP', 'v2', v2('2112', ipv4)],
  ['an unknown family', 'v2', v2('2141', ipv4)],
  ['a body too short for its addresses', 'v2', v2('2111', ipv4.subarray(0, 11))],
  ['a body too short for IPv6', 'v2', v2('2121', ipv6.subarray(0, 35))],
  ['a body too long', 'v2', v2('2111', Buffer.alloc(MAX_V2_BODY_BYTES + 1))],
] as const) {
  test(`${version} refuses ${name}`, () => {
    assert.equal(readProxyHeader(version, Buffer.from(bytes as string)), 'bad');
  });
}

const sound = fc.constantFrom<readonly [ProxyVersion, Buffer]>(
  ['v1', Buffer.from('PROXY TCP6 2001:db8::7 2001:db8::1 0 65535\r\n')],
  ['v1', Buffer.from('PROXY UNKNOWN\r\n')],
  ['v2', v2('2121', ipv6)],
  ['v2', v2('2111', Buffer.concat([ipv4, tlvs]))],
);

test('a header that was damaged anywhere is judged alike however it arrives, and never throws', () => {
  const changes = fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(sound, changes, fc.uint8Array({ maxLength: 40 }), ([version, bytes], some, behind) => {
      const copy = Buffer.concat([bytes, behind]);
      for (const [at, value] of some) copy[at % copy.length] = value;
      const whole = readProxyHeader(version, copy);
      for (let end = 0; end < copy.length; end++) {
        const early = readProxyHeader(version, copy.subarray(0, end));
        if (early !== 'more') assert.deepEqual(whole, early);
      }
      if (typeof whole === 'object') assert.ok(whole.length <= copy.length);
    }),
  );
});

test('any bytes are decided within the longest header', () => {
  fc.assert(
    fc.property(fc.constantFrom('v1' as const, 'v2' as const), fc.uint8Array({ maxLength: 64 }), (version, start) => {
      const bytes = Buffer.concat([Buffer.from(start), Buffer.alloc(20 * 1024, 0x41)]);
      assert.notEqual(readProxyHeader(version, bytes), 'more');
    }),
  );
});
