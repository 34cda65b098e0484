import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areFar, wideNetwork, wideNetworkHash } from './wide-network.ts';

for (const [address, network] of [
  ['198.51.100.7', '198.51'],
  ['8.8.8.8', '8.8'],
  ['10.1.2.3', '10.0.0.0/8'],
  ['172.15.0.1', '172.15'],
  ['172.16.0.1', '172.16.0.0/12'],
  ['172.31.9.9', '172.16.0.0/12'],
  ['172.32.0.1', '172.32'],
  ['192.168.3.4', '192.168.0.0/16'],
  ['100.64.0.1', '100.64.0.0/10'],
  ['100.128.0.1', '100.128'],
  ['127.0.0.1', '127.0.0.0/8'],
  ['2001:db8:1:2::/64', '2001:db8'],
  ['fd12:3456::1', 'fc00::/7'],
  ['nonsense', 'nonsense'],
  ['', ''],
] as const) {
  test(`${address === '' ? 'nothing' : address} lies in ${network === '' ? 'nothing' : network}`, () => {
    assert.equal(wideNetwork(address), network);
  });
}

test('networks of one family are far from each other, those of two are not', () => {
  const [a, b, six, other] = ['198.51', '203.0', '2001:db8', '2a00:1450'].map(wideNetworkHash);
  assert.ok(areFar(a ?? 0, b ?? 0) && areFar(six ?? 0, other ?? 0));
  assert.ok(!areFar(a ?? 0, a ?? 0) && !areFar(a ?? 0, six ?? 0) && !areFar(a ?? 0, 0));
});
