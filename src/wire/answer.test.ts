import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, fakeDownstream } from '../../test/support/exchange.ts';
import { responseHeaders } from './answer.ts';

test('of very many limits those nearest to their end are listed, in a head that clients read', () => {
  const standings = Array.from({ length: 300 }, (_, i) => ({
    ...{ name: `group.g${i}.requests`, limit: 1_000, remaining: 1_000 - i, windowS: 60, resetMs: 1_000 },
  }));
  const headers = responseHeaders(exchange(fakeDownstream(), {}), standings);
  const policy = headers[headers.indexOf('ratelimit-policy') + 1] ?? '';
  assert.equal(policy.split(', ').length, 24);
  assert.match(policy, /^"group\.g299\.requests";q=1000;w=60/);
});

for (const surface of ['openai', 'anthropic'] as const) {
  test(`the headers that SDKs of ${surface} read are there whatever other limits there are, and however near those are to their end`, () => {
    const rule = { limit: 50, remaining: 0, windowS: 60, resetMs: 500 };
    const own = { limit: 600, remaining: 599, windowS: 60, resetMs: 1_500 };
    const named = (others: number) => {
      const standings = [
        { ...own, name: 'requests' },
        ...Array.from({ length: others }, (_, i) => ({ ...rule, name: `r${i}.requests` })),
        { ...own, name: 'tokens' },
      ];
      const headers = responseHeaders({ ...exchange(fakeDownstream(), {}), surface }, standings);
      const pairs = headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]] as const] : []));
      return Object.fromEntries(pairs.filter(([name]) => /^(x|anthropic)-ratelimit-/.test(name)));
    };
    const few = named(0);
    assert.deepEqual([few['x-ratelimit-limit-requests'], few['x-ratelimit-reset-tokens']], ['600', '2s']);
    assert.equal(few['anthropic-ratelimit-tokens-remaining'], surface === 'anthropic' ? '599' : undefined);
    // 24 are listed: with one more all the same.
    for (const others of [22, 23, 300]) assert.deepEqual(named(others), few);
  });
}
