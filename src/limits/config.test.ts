import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsConfig } from './config.ts';

const RULE = { name: 'fair', per: ['tenant'], requests: '10/min' };

for (const [what, options, path, hint] of [
  ['no limit at all in a rule', { rules: [{ name: 'a', per: ['key'] }] }, 'rules.0', /at least one limit/],
  ['a rule that counts by nothing', { rules: [{ ...RULE, per: [] }] }, 'rules.0.per', /at least one of: key, tenant/],
  ['a rule that counts by something twice', { rules: [{ ...RULE, per: ['key', 'key'] }] }, 'rules.0.per', /once/],
  ['a rule by something unknown', { rules: [{ ...RULE, per: ['planet'] }] }, 'rules.0.per.0', /one of: key/],
  ['two rules of one name', { rules: [RULE, RULE] }, 'rules', /name of its own/],
  [
    'a rule that takes the name of what holds without one',
    { rules: [{ ...RULE, name: 'tenant' }] },
    'rules.0.name',
    /other than/,
  ],
  ['nothing in a time', { rules: [{ ...RULE, tokens: '0/day' }] }, 'rules.0.tokens', /from 1 to 1000000000000000/],
  [
    'an absurd number in a time',
    { rules: [{ ...RULE, tokens: '1000000000000001/day' }] },
    'rules.0.tokens',
    /from 1 to/,
  ],
  ['an amount without a time', { rules: [{ ...RULE, tokens: '5' }] }, 'rules.0.tokens', /in a time such as/],
  ['a fraction of a request', { rules: [{ ...RULE, requests: '1.5/s' }] }, 'rules.0.requests', /in a time such as/],
  ['a week', { rules: [{ ...RULE, requests: '5/week' }] }, 'rules.0.requests', /day or month/],
  ['a concurrency of nothing', { rules: [{ ...RULE, concurrency: 0 }] }, 'rules.0.concurrency', /from 1 to 1000000/],
  [
    'tokens per minute above all sense',
    { default: { tokensPerMinute: 1e13 } },
    'default.tokensPerMinute',
    /to 1000000000000/,
  ],
  ['a budget of nothing', { default: { budget: { tokens: 0 } } }, 'default.budget.tokens', /from 1 to/],
  ['a budget for a week', { default: { budget: { per: 'week' } } }, 'default.budget.per', /hour, day, month/],
  ['a price below nothing', { prices: { tiny: { input: -1, output: 1 } } }, 'prices.tiny.input', /from 0 to 1000000/],
  ['a price without that of answers', { prices: { tiny: { input: 1 } } }, 'prices.tiny.output', /from 0 to 1000000/],
  ['a place without a clock', { timeZone: 'Mars/Olympus' }, 'timeZone', /Europe\/Berlin/],
] as const) {
  test(`${what} is a mistake that tells the sane range`, () => {
    const read = limitsConfig.safeParse(options);
    assert.ok(!read.success);
    assert.equal(read.error.issues.length, 1);
    assert.equal(read.error.issues[0]?.path.join('.'), path);
    assert.match(read.error.issues[0].message, hint);
  });
}

test('a rule with all that it can say is read', () => {
  const rule = {
    name: 'all',
    per: ['group', 'member', 'model', 'address', 'route'],
    concurrency: 3,
    streams: 2,
    requests: '600/min',
    tokens: '1000000/h',
    inputTokens: '5/s',
    outputTokens: '7/month',
    cost: '12.50/day',
  };
  const read = limitsConfig.parse({ rules: [rule] });
  assert.deepEqual(read.rules[0]?.cost, { amount: 12.5, per: 'day' });
  assert.deepEqual(read.rules[0].tokens, { amount: 1_000_000, per: 'h' });
});

test('money goes up to what is exact in millionths, and says so', () => {
  const rule = (cost: string) => limitsConfig.safeParse({ rules: [{ name: 'a', per: ['key'], cost }] });
  assert.equal(rule('1000000000/month').success, true);
  const refused = rule('1000000001/month');
  assert.match(refused.error?.issues[0]?.message ?? '', /from 0\.000001 to 1000000000,/);
});
