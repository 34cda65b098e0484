import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressMatcher, clientAddress, countedNetwork, isNetwork, plainAddress } from './address.ts';

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
  assert.equal(plainAddress('fe80::1%eth0'), 'fe80::1');
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
