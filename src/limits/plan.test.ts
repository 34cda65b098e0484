import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../test/support/clock.ts';
import { alice } from '../../test/support/exchange.ts';
import { createCounterMemory, createSharedCounters } from '../adapters/memory/counters.ts';
import type { Principal } from '../kernel/exchange.ts';
import { createCalendar } from './calendar.ts';
import { createWallClock } from './wall-clock.ts';
import type { Counted } from './plan.ts';
import { createLimitPlan } from './plan.ts';
import type { Dimension, Rule } from './rules.ts';

const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
const planOf = (rules: readonly Rule[], defaults = {}) =>
  createLimitPlan({ defaults, rules }, counters, createCalendar('UTC', createWallClock(settableClock())));
const names = (all: readonly Counted[]) => all.map(({ limit }) => limit.name);
const subjects = (all: readonly Counted[]) => all.map(({ limit }) => limit.subject);
const at = { network: '192.0.2.1' };

test('own limits go before those of the configuration, and pools and rules hold besides', () => {
  const plan = planOf(
    [{ name: 'fair', per: ['tenant'], requests: { amount: 5, per: 's' }, tokens: { amount: 9, per: 'day' } }],
    {
      requestsPerMinute: 600,
      tokensPerMinute: 1_000,
      concurrency: 32,
    },
  );
  const principal: Principal = {
    ...alice,
    limits: { requestsPerMinute: 7, concurrency: 'none' },
    pools: [
      { name: 'group.staff', subject: 'g', limits: { requestsPerMinute: 70, budget: { tokens: 50, per: 'month' } } },
    ],
  };
  const early = plan.early({ principal, ...at });
  assert.deepEqual(
    early.map(({ limit: { name, max, per } }) => [name, max, per]),
    [
      ['requests', 7, 'min'],
      ['group.staff.requests', 70, 'min'],
      ['fair.requests', 5, 's'],
    ],
  );
  assert.deepEqual(names(plan.late({ principal, ...at })), ['tokens', 'group.staff.budget', 'fair.tokens']);
});

test('what is held is asked before what is spent', () => {
  const plan = planOf([{ name: 'few', per: ['address'], concurrency: 2 }], { requestsPerMinute: 5, concurrency: 3 });
  assert.deepEqual(names(plan.early({ principal: alice, ...at })), ['concurrency', 'few.concurrency', 'requests']);
});

test('a person behind a shared page has the default limits for themselves besides those of the page', () => {
  const plan = planOf([], { requestsPerMinute: 3, tokensPerMinute: 4 });
  const page = { ...alice, limits: { requestsPerMinute: 90 } };
  const of = (member: string) => plan.early({ principal: { ...page, member }, ...at });
  assert.deepEqual(names(of('ada')), ['requests', 'member.requests']);
  assert.equal(subjects(of('ada'))[0], subjects(of('bob'))[0]);
  assert.notEqual(subjects(of('ada'))[1], subjects(of('bob'))[1]);
});

const token = {
  issuer: 'https://idp.example',
  subject: 'u1',
  clientId: 'app',
  tokenHash: 'h',
  issuedAtMs: 0,
  expiresAtMs: 1,
  binding: 'none',
  acr: undefined,
  amr: [],
  authenticatedAtMs: undefined,
  grantId: undefined,
  sessionId: undefined,
} as const;
const withToken = (
  change: Partial<typeof token> & { readonly subject?: string; readonly clientId?: string },
): Principal => ({
  ...alice,
  id: `token:${token.issuer} ${change.subject ?? token.subject}`,
  keyId: undefined,
  token: { ...token, ...change },
});

for (const [per, same, others] of [
  ['tenant', [alice, { ...alice, id: 'key:Bob000', keyId: 'Bob000' }], [{ ...alice, tenant: 'acme' }]],
  ['key', [alice], [{ ...alice, id: 'key:Bob000', keyId: 'Bob000' }, withToken({})]],
  [
    'group',
    [{ ...alice, groups: ['a'] }, withToken({})].map((one) => ({ ...one, groups: ['a'] })),
    [
      { ...alice, groups: ['b'] },
      { ...alice, groups: ['a'], tenant: 'acme' },
    ],
  ],
  [
    'user',
    [withToken({}), withToken({ clientId: 'other' } as object)],
    [withToken({ subject: 'u2' } as object), alice],
  ],
  [
    'client',
    [withToken({}), withToken({ subject: 'u2' } as object)],
    [withToken({ clientId: 'other' } as object), alice],
  ],
  [
    'member',
    [{ ...alice, member: 'ada' }],
    [{ ...alice, member: 'bob' }, alice, { ...alice, id: 'key:Bob000', member: 'ada' }],
  ],
] as const satisfies readonly (readonly [Dimension, readonly Principal[], readonly Principal[]])[]) {
  test(`a rule per ${per} counts together what has it in common, and nothing else`, () => {
    const plan = planOf([{ name: 'r', per: [per], concurrency: 1 }]);
    const of = (principal: Principal) => subjects(plan.early({ principal, ...at }))[0];
    const [first] = same;
    for (const one of same) assert.equal(of(one), of(first ?? assert.fail()));
    for (const other of others) assert.notEqual(of(other), of(first ?? assert.fail()));
  });
}

test('a rule per group holds for each group that a caller has, and not for who has none', () => {
  const plan = planOf([{ name: 'share', per: ['group', 'member'], concurrency: 1 }]);
  assert.equal(plan.early({ principal: { ...alice, groups: ['a', 'b'] }, ...at }).length, 2);
  assert.equal(plan.early({ principal: alice, ...at }).length, 0);
});

test('rules by model and route are asked once these are known, those by address before', () => {
  const plan = planOf([
    { name: 'm', per: ['model'], requests: { amount: 1, per: 's' } },
    { name: 'r', per: ['route', 'key'], concurrency: 4 },
    { name: 'a', per: ['address'], requests: { amount: 1, per: 's' }, tokens: { amount: 5, per: 'min' } },
  ]);
  const asking = { principal: alice, ...at, model: 'tiny', route: 'chat' };
  assert.deepEqual(names(plan.early(asking)), ['a.requests']);
  assert.deepEqual(names(plan.late(asking)), ['r.concurrency', 'a.tokens', 'm.requests']);
  const other = plan.late({ ...asking, model: 'large' });
  assert.notEqual(subjects(other)[2], subjects(plan.late(asking))[2]);
});

test('names that hold what separates them are not taken for others', () => {
  const plan = planOf([{ name: 'r', per: ['tenant', 'member'], concurrency: 1 }]);
  const of = (id: string, member: string) => subjects(plan.early({ principal: { ...alice, id, member }, ...at }))[0];
  assert.notEqual(of('key:a', 'b","c'), of('key:a","b', 'c'));
});

test('people behind a shared page beyond so many share the limits of one, so that they do not fill the counters', () => {
  const plan = planOf([], { requestsPerMinute: 3 });
  const of = (member: string) => subjects(plan.early({ principal: { ...alice, member }, ...at })).at(-1);
  for (let i = 0; i < 5_000; i++) of(`m${i}`);
  assert.notEqual(of('m1'), of('m2'));
  assert.equal(of('new one'), of('new two'));
  assert.notEqual(of('new one'), of('m1'));
});
