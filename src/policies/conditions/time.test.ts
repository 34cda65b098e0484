import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alice } from '../../../test/support/exchange.ts';
import { time } from './time.ts';

function isIn(texts: readonly string[], at: string): boolean | undefined {
  const situation = { principal: alice, address: '', scope: 'inference:chat', model: undefined } as const;
  return time.compile(texts)({ ...situation, nowMs: Date.parse(at) });
}

// 1 January 2030 is a Tuesday.
for (const [text, at, expected] of [
  ['08:00-18:00', '2030-01-01T08:00:00Z', true],
  ['08:00-18:00', '2030-01-01T07:59:59Z', false],
  ['08:00-18:00', '2030-01-01T17:59:59Z', true],
  ['08:00-18:00', '2030-01-01T18:00:00Z', false],
  ['mon-fri 08:00-18:00', '2030-01-04T12:00:00Z', true],
  ['mon-fri 08:00-18:00', '2030-01-05T12:00:00Z', false],
  ['fri-mon 08:00-18:00', '2030-01-06T12:00:00Z', true],
  ['fri-mon 08:00-18:00', '2030-01-01T12:00:00Z', false],
  ['sat,tue 08:00-18:00', '2030-01-01T12:00:00Z', true],
  // Over midnight it belongs to the day on which it began.
  ['mon 22:00-06:00', '2030-01-01T05:59:00Z', true],
  ['mon 22:00-06:00', '2030-01-01T06:00:00Z', false],
  ['tue 22:00-06:00', '2030-01-01T05:59:00Z', false],
  ['tue 22:00-06:00', '2030-01-01T22:00:00Z', true],
  ['tue 00:00-24:00', '2030-01-01T23:59:59Z', true],
  ['tue 00:00-24:00', '2030-01-02T00:00:00Z', false],
  ['tue 10:00-10:00', '2030-01-02T09:59:00Z', true],
  // Berlin is an hour ahead in winter and two in summer.
  ['08:00-18:00 Europe/Berlin', '2030-01-01T07:00:00Z', true],
  ['08:00-18:00 Europe/Berlin', '2030-01-01T17:00:00Z', false],
  ['08:00-18:00 Europe/Berlin', '2030-07-01T06:00:00Z', true],
  ['08:00-18:00 Europe/Berlin', '2030-07-01T16:00:00Z', false],
  ['sun 02:00-03:00 Europe/Berlin', '2030-03-31T01:30:00Z', false],
] as const) {
  test(`${text} ${expected ? 'holds' : 'does not hold'} at ${at}`, () => assert.equal(isIn([text], at), expected));
}

test('of several times one is enough, and the next minute is judged anew', () => {
  const holds = time.compile(['08:00-09:00', '10:00-11:00']);
  const situation = { principal: alice, address: '', scope: 'inference:chat', model: undefined } as const;
  const at = (text: string) => holds({ ...situation, nowMs: Date.parse(`2030-01-01T${text}Z`) });
  const seen = ['08:59:59', '09:00:00', '10:00:00', '08:30:00'].map(at);
  assert.deepEqual(seen, [true, false, true, true]);
});

for (const text of [
  '',
  '8:00-18:00',
  '08:00',
  '08:00-25:00',
  '08:60-09:00',
  'mo 08:00-18:00',
  'mon-tue-wed 08:00-18:00',
  'mon 08:00-18:00 Nowhere/Land',
  'mon  08:00-18:00',
]) {
  test(`"${text}" is no time`, () => assert.equal(time.accepts(text), false));
}
