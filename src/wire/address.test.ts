import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressMatcher, clientAddress, countedNetwork, isNetwork, plainAddress } from './address.ts';
import { parseRequestHead } from './request-head.ts';

for (const [network, address, isIn] of [
  ['10.0.0.0/8', '10.255.1.2', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.2', false],
  ['::1', '::1', true],
  ['2001:db8::/32', '2001:db8:ffff::1', true],
  ['2001:db8::/32', '2001:db9::1', false],
  ['10.0.0.0/8', '::ffff:10.1.1.1', true],
  ['::ffff:10.0.0.0/104', '10.1.1.1', true],
  ['0.0.0.0/0', '::1', false],
  ['0.0.0.0/0', 'not an address', false],
  ['10.0.0.0/8', '::FFFF:a01:101', true],
  ['10.0.0.0/8', '10.257', false],
  ['10.0.0.0/8', '012.0.0.1', false],
  ['10.0.0.0/8', '0xa.0.0.1', false],
  ['10.0.0.0/8', '::ffff:0xa.0.0.1', false],
] as const) {
  test(`${address} is ${isIn ? '' : 'not '}in ${network}`, () =>
    assert.equal(addressMatcher([network])(address), isIn));
}

test('what is neither address nor network is refused', () => {
  for (const text of ['', '10.0.0', '10.0.0.0/33', '1', '0x7f.1', 'localhost', '10.0.0.1/']) {
    assert.equal(isNetwork(text), false, text);
    assert.throws(() => addressMatcher([text]), RangeError);
  }
});

test('an IPv6 host is counted by its /64, an IPv4 host by itself', () => {
  assert.equal(countedNetwork('2001:db8::1'), countedNetwork('2001:db8:0:0:ffff::2'));
  assert.notEqual(countedNetwork('2001:db8::1'), countedNetwork('2001:db8:0:1::1'));
  assert.equal(countedNetwork('192.0.2.1'), '192.0.2.1');
});

test('IPv4-mapped addresses and zones are written plainly', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('::FFFF:192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('::ffff:c000:201'), '192.0.2.1');
  assert.equal(plainAddress('fe80::1%eth0'), 'fe80::1');
  for (const address of ['192.0.2.1', '2001:db8::1', '']) assert.equal(plainAddress(address), address);
});

const isTrusted = addressMatcher(['10.0.0.0/8']);
for (const [peer, forwarded, client, title] of [
  ['192.0.2.9', '1.1.1.1', '192.0.2.9', 'a peer that is not trusted says nothing'],
  ['10.0.0.1', undefined, '10.0.0.1', 'a proxy that says nothing is the client'],
  ['10.0.0.1', '1.1.1.1', '1.1.1.1', 'a trusted proxy is believed'],
  ['10.0.0.1', '6.6.6.6, 1.1.1.1', '1.1.1.1', 'what stands left of an untrusted hop is not believed'],
  ['10.0.0.1', '1.1.1.1, 10.0.0.2', '1.1.1.1', 'a chain of trusted proxies is followed'],
  ['10.0.0.1', '6.6.6.6, nonsense, 10.0.0.2', '10.0.0.2', 'nonsense ends the chain'],
  ['10.0.0.1', '::ffff:1.1.1.1', '1.1.1.1', 'mapped addresses are plain'],
] as const) {
  test(title, () => assert.equal(clientAddress(peer, forwarded, isTrusted), client));
}

test('whatever a stranger writes into lines of its own, the line that the trusted proxy added is believed', () => {
  const target = { method: 'GET', target: '/v1/models', httpVersion: '1.1' } as const;
  const forwarded = (...lines: readonly string[]): string => {
    const rawHeaders = ['Host', 'a', ...lines.flatMap((line) => ['X-Forwarded-For', line])];
    const parsed = parseRequestHead({ ...target, rawHeaders }, { maxHeaders: 8, hosts: new Set() });
    assert.ok('path' in parsed);
    return clientAddress('10.0.0.1', parsed.headers.get('x-forwarded-for'), isTrusted);
  };
  assert.equal(forwarded('6.6.6.6', '1.1.1.1'), '1.1.1.1');
  assert.equal(forwarded('6.6.6.6', '1.1.1.1', '10.0.0.2'), '1.1.1.1');
  assert.equal(forwarded('10.0.0.2', '6.6.6.6, 1.1.1.1'), '1.1.1.1');
});

test('a hop in no spelling of an address ends the chain', () => {
  for (const hop of ['7.7.1799', '117901063', '07.7.7.7', '0x7.7.7.7', '7.7.7.256', '::ffff:07.7.7.7', '::00007', '']) {
    assert.equal(clientAddress('10.0.0.1', `1.1.1.1, ${hop}`, isTrusted), '10.0.0.1', hop);
  }
});

test('every spelling of an address is one client', () => {
  for (const hop of ['7.7.7.7', '::ffff:7.7.7.7', '::FFFF:7.7.7.7', '::ffff:707:707', '0:0:0:0:0:FFFF:0707:0707']) {
    assert.equal(clientAddress('10.0.0.1', hop, isTrusted), '7.7.7.7', hop);
  }
  for (const hop of ['2001:db8::1', '2001:DB8:0::0:1', '2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1%eth0']) {
    assert.equal(clientAddress('10.0.0.1', hop, isTrusted), '2001:db8::1', hop);
  }
});

test('a client that is taken from the header is its own only spelling', () => {
  const word = fc.oneof(
    fc.ipV4Extended(),
    fc.ipV4(),
    fc.ipV6(),
    fc.ipV4().map((text) => `::ffff:${text}`),
  );
  fc.assert(
    fc.property(word, (hop) => {
      const client = clientAddress('10.0.0.1', hop, isTrusted);
      assert.notEqual(isIP(client), 0);
      assert.equal(plainAddress(client), client);
      assert.equal(clientAddress('10.0.0.1', client, isTrusted), client);
    }),
  );
});
