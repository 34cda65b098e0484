import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../kernel/clock.ts';
import type { AdminDeps } from './ports.ts';
import { policyTestOperation } from './policy-tests.ts';

test('however many the cases are, policies are read once: else who may only look could hold up the control plane', async () => {
  let reads = 0;
  const policies = { values: () => (reads++, [].values()) };
  const none = new Map();
  const directory = { policies, roles: none, groups: none, apiKeys: none, tenants: none };
  const { run } = policyTestOperation({ directory, clock: systemClock } as unknown as AdminDeps);
  const cases = Array.from({ length: 1000 }, (_, i) => ({ name: `c${i}`, expect: 'allow', token: {} }));
  const answer = await run({ id: '', body: { cases }, query: {}, ifMatch: undefined, actor: { kind: 'socket' } });
  assert.deepEqual('value' in answer && answer.value !== null && Object(answer.value).ok, true);
  assert.equal(reads, 1);
});
