import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countedNetwork, plainAddress } from './address.ts';
import { networkFromWords, networkOf, wordsFromNetwork } from './network-words.ts';

test('what is counted for an address comes back from its words as it was, and no two have the same', () => {
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      const network = countedNetwork(plainAddress(address));
      const words = wordsFromNetwork(network) ?? assert.fail(network);
      assert.equal(networkFromWords(words), network);
      const key = JSON.stringify(words);
      assert.equal(seen.get(key) ?? network, network);
      seen.set(key, network);
    }),
  );
});

for (const text of ['', 'localhost', '1.2.3', '01.2.3.4', '1.2.3.4.5', 'unix', '::g'])
  test(`${JSON.stringify(text)} is no network`, () => {
    assert.equal(wordsFromNetwork(text), undefined);
    assert.equal(networkOf(text), undefined);
  });

for (const [text, network] of [
  ['192.0.2.7', '192.0.2.7'],
  ['192.0.2.7/32', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:0:1::7', '2001:db8:0:1::/64'],
  ['2001:db8:0:1::/64', '2001:db8:0:1::/64'],
  ['2001:DB8:0:1:0::9', '2001:db8:0:1::/64'],
  ['192.0.2.0/24', undefined],
  ['2001:db8::/48', undefined],
  ['2001:db8::/32', undefined],
  ['fe80::1%eth0', undefined],
] as const)
  test(`a person who writes ${text} means ${network ?? 'nothing that is counted'}`, () => {
    assert.equal(networkOf(text), network);
  });
