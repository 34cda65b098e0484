import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as z from 'zod';
import {
  choiceSoFar,
  cidr,
  count,
  countOrNone,
  duration,
  group,
  later,
  laterList,
  laterMap,
  size,
  text,
} from './option.ts';

const accepts: readonly [string, z.ZodType, unknown, unknown][] = [
  ['a duration at its lower bound', duration('1s', '1m'), '1000ms', 1000],
  ['a duration at its upper bound', duration('1s', '1m'), '1m', 60_000],
  ['a size at its lower bound', size('1KiB', '1MiB'), 1024, 1024],
  ['a size at its upper bound', size('1KiB', '1MiB'), '1MiB', 1_048_576],
  ['a count at its lower bound', count(1, 5), 1, 1],
  ['a count at its upper bound', count(1, 5), 5, 5],
  ['none where there may be no limit', countOrNone(1, 5), 'none', 'none'],
  ['a count where there may be no limit', countOrNone(1, 5), 5, 5],
  ['a network', cidr(), '10.0.0.0/8', '10.0.0.0/8'],
  ['a whole family', cidr(), '0.0.0.0/0', '0.0.0.0/0'],
  ['an address as a network of one', cidr(), '192.0.2.1', '192.0.2.1/32'],
  ['an IPv6 network in any spelling', cidr(), '2001:DB8:0::/32', '2001:db8::/32'],
  ['an IPv6 address as a network of one', cidr(), '::1', '::1/128'],
  ['the default of a part that is not built', later(5), 5, 5],
  ['nothing for a part that is not built', later('off'), undefined, 'off'],
  ['an empty list of a part that is not built', laterList(), [], []],
  ['an empty map of a part that is not built', laterMap(), {}, {}],
  ['a text of the longest length', text('x'), 'a'.repeat(1024), 'a'.repeat(1024)],
];
for (const [name, schema, value, expected] of accepts)
  test(`accepts ${name}`, () => assert.deepEqual(schema.parse(value), expected));

const refuses: readonly [string, z.ZodType, unknown, RegExp][] = [
  ['a duration below its bound', duration('1s', '1m'), '999ms', /from 1s to 1m/],
  ['a duration above its bound', duration('1s', '1m'), '60001ms', /from 1s to 1m/],
  ['a duration without unit', duration('1s', '1m'), 30, /from 1s to 1m/],
  ['a size below its bound', size('1KiB', '1MiB'), '1023', /from 1KiB to 1MiB/],
  ['a size above its bound', size('1KiB', '1MiB'), 1_048_577, /from 1KiB to 1MiB/],
  ['a fraction of a byte', size('1', '1MiB'), 1.5, /from 1 to 1MiB/],
  ['a count below its bound', count(1, 5), 0, /from 1 to 5/],
  ['a count above its bound', count(1, 5), 6, /from 1 to 5/],
  ['a count that is not whole', count(1, 5), 1.5, /from 1 to 5/],
  ['a count that is a text', count(1, 5), '1', /from 1 to 5/],
  ['no count at all', count(1, 5), Number.NaN, /from 1 to 5/],
  ['another word than none', countOrNone(1, 5), 'off', /or none/],
  ['a count below its bound where there may be none', countOrNone(1, 5), 0, /or none/],
  ['bits behind a prefix', cidr(), '10.0.0.1/8', /give 10\.0\.0\.0\/8/],
  ['a prefix that is too long', cidr(), '10.0.0.0/33', /Give a network/],
  ['an IPv6 prefix that is too long', cidr(), '::/129', /Give a network/],
  ['a short IPv4 address', cidr(), '10.1', /Give a network/],
  ['an octal IPv4 address', cidr(), '010.0.0.1', /Give a network/],
  ['an address with zone', cidr(), 'fe80::1%eth0', /Give a network/],
  ['a netmask', cidr(), '10.0.0.0/255.0.0.0', /Give a network/],
  ['another value of a part that is not built', later('off'), 'v1', /not in this version: leave it out or give off/],
  ['a list of a part that is not built', laterList(), [1], /not in this version/],
  ['a map of a part that is not built', laterMap(), { a: 1 }, /not in this version/],
  [
    'a word of a later version',
    choiceSoFar(['files'], ['acme']),
    'acme',
    /acme is not in this version\. Give the default: files\./,
  ],
  ['a word of no version', choiceSoFar(['files', 'off'], ['acme']), 'x', /^Give one of: files, off\.$/],
  ['an empty text', text('a name'), '', /a name/],
  ['a text that is too long', text('a name'), 'a'.repeat(1025), /a name/],
  ['a text with a line break', text('a name'), 'a\nb', /a name/],
  ['a list in place of a group', group({}), [], /Give a map/],
];
for (const [name, schema, value, hint] of refuses)
  test(`refuses ${name} with a hint`, () => {
    const messages = schema.safeParse(value).error?.issues.map((issue) => issue.message) ?? [];
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? '', hint);
  });

test('a bound that is no duration or size is a bug that shows at once', () => {
  assert.throws(() => duration('1', '2s'), TypeError);
  assert.throws(() => size('1x', '2'), TypeError);
});
