import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNetworkJudge } from './networks.ts';

for (const { name, allowIp = [], denyIp = [], good, bad } of [
  { name: 'without lists from everywhere', good: ['192.0.2.7', '2001:db8::1'], bad: [] },
  {
    name: 'from the networks that it is allowed from alone',
    allowIp: ['192.0.2.0/24'],
    good: ['192.0.2.0', '192.0.2.255'],
    bad: ['192.0.1.255', '192.0.3.0', '::1', ''],
  },
  {
    name: 'from everywhere but where it is denied',
    denyIp: ['192.0.2.0/24'],
    good: ['192.0.1.255', '192.0.3.0', '::1'],
    bad: ['192.0.2.0', '192.0.2.255'],
  },
  {
    name: 'not from where it is denied, even where it is allowed',
    allowIp: ['2001:db8::/32'],
    denyIp: ['2001:db8:1::/48'],
    good: ['2001:db8:2::1'],
    bad: ['2001:db8:1::1', '2001:db9::1'],
  },
])
  test(`something may be used ${name}`, () => {
    const mayUse = createNetworkJudge();
    const rules = { allowIp, denyIp };
    for (const address of good) assert.equal(mayUse(rules, address), true, address);
    for (const address of bad) assert.equal(mayUse(rules, address), false, address);
  });
