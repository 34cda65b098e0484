import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { createBanMemory } from '../../adapters/memory/ban-cells.ts';
import { createBans } from '../../adapters/memory/bans.ts';
import { createCounterMemory, createSharedCounters } from '../../adapters/memory/counters.ts';
import { addressMatcher } from '../../wire/address.ts';
import { createNetwork, type NetworkOptions } from './stage.ts';

/** A stage with bans; what it says to an address. */
function setUp(change: Partial<NetworkOptions> = {}) {
  const clock = settableClock();
  const bans = createBans(createBanMemory(64, 's', clock.monotonicMs()), 0, () => ({ firstMs: 1, maxMs: 1 }));
  const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const isNeverBanned = addressMatcher(['192.0.2.9']);
  const stage = createNetwork(
    { allow: [], deny: [], trustedProxies: [], requestsPerMinute: 2, ...change },
    { counters, clock, bans, isNeverBanned },
  );
  async function from(peerAddress: string, isDryRun = false) {
    const x = exchange(Object.assign(fakeDownstream(), { peerAddress }), {});
    return stage.decide?.(Object.assign(x, { isDryRun }));
  }
  const ban = (network: string, forMs: number) =>
    bans.put(
      { network, reason: 'operator', number: 1, sinceMs: clock.monotonicMs(), untilMs: clock.monotonicMs() + forMs },
      clock.monotonicMs(),
    );
  return { clock, bans, from, ban };
}

test('a banned address is refused to the end of its ban, a request that goes nowhere too, and it costs nothing of its rate', async () => {
  const { clock, from, ban } = setUp();
  assert.equal(await from('192.0.2.7'), undefined);
  ban('192.0.2.7', 60_000);
  for (let i = 0; i < 5; i++) assert.equal((await from('192.0.2.7'))?.code, 'ip_denied');
  assert.equal((await from('192.0.2.7', true))?.code, 'ip_denied');
  clock.advance(59_999);
  assert.equal((await from('192.0.2.7'))?.retryAfterMs, 1);
  clock.advance(1);
  assert.equal(await from('192.0.2.7'), undefined);
});

test('a ban of an IPv6 address holds for its whole /64, and for no other', async () => {
  const { from, ban } = setUp();
  ban('2001:db8:0:1::/64', 60_000);
  assert.equal((await from('2001:db8:0:1:ffff::1'))?.code, 'ip_denied');
  assert.equal(await from('2001:db8:0:2::1'), undefined);
});

test('a ban does not hold for addresses that are never banned', async () => {
  const { from, ban } = setUp();
  ban('192.0.2.9', 60_000);
  assert.equal(await from('192.0.2.9'), undefined);
});

test('an address outside the list of those that may call, or in that of those that may not, is refused', async () => {
  const { from } = setUp({ allow: ['192.0.2.0/24'], deny: ['192.0.2.66'] });
  for (const [address, code] of [
    ['192.0.2.7', undefined],
    ['192.0.3.0', 'ip_denied'],
    ['192.0.2.66', 'ip_denied'],
    ['2001:db8::1', 'ip_denied'],
  ] as const) {
    assert.equal((await from(address))?.code, code, address);
  }
});
