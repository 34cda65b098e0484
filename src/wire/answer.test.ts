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
