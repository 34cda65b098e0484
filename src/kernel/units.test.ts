import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatBytes, formatDurationMs, parseBytes, parseDurationMs } from './units.ts';

for (const [text, bytes] of [
  ['0', 0],
  ['512', 512],
  ['512B', 512],
  ['1KiB', 1024],
  ['8MiB', 8_388_608],
  ['2GiB', 2_147_483_648],
  ['1TiB', 1_099_511_627_776],
  ['1kB', 1000],
  ['1KB', 1000],
  ['10MB', 10_000_000],
  ['3GB', 3e9],
  ['1TB', 1e12],
  [String(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER],
] as const)
  test(`${text} is ${bytes} bytes`, () => assert.equal(parseBytes(text), bytes));

const notBytes = [
  '',
  ' 1',
  '1 ',
  '1 KiB',
  '-1',
  '+1',
  '1.5MiB',
  '1e3',
  '0x10',
  'KiB',
  '1kib',
  '1KIB',
  '1mib',
  '1Ki',
  '1b',
  '10s',
];
for (const text of [...notBytes, '9007199254740992', '8192TiB', '99999999999999999', '1KiB\n', '١'])
  test(`${JSON.stringify(text)} is no size`, () => assert.equal(parseBytes(text), undefined));

for (const [text, ms] of [
  ['0s', 0],
  ['250ms', 250],
  ['30s', 30_000],
  ['10m', 600_000],
  ['8h', 28_800_000],
  ['30d', 2_592_000_000],
] as const)
  test(`${text} is ${ms} ms`, () => assert.equal(parseDurationMs(text), ms));

for (const text of [
  '',
  '30',
  '0',
  '30 s',
  '30S',
  '1.5s',
  '-1s',
  '1e3s',
  's',
  '1w',
  '1y',
  '1m30s',
  '1M',
  '9007199254740992ms',
  '1s\n',
])
  test(`${JSON.stringify(text)} is no duration`, () => assert.equal(parseDurationMs(text), undefined));

const amount = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(1000).map((n) => n * 1024 ** 2),
  fc.nat(1000).map((n) => n * 3_600_000),
);

test('what formatBytes writes is read back as the same number', () => {
  fc.assert(fc.property(amount, (n) => assert.equal(parseBytes(formatBytes(n)), n)));
});

test('what formatDurationMs writes is read back as the same number', () => {
  fc.assert(fc.property(amount, (n) => assert.equal(parseDurationMs(formatDurationMs(n)), n)));
});

test('any text gives a safe integer of at least 0 or undefined', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,17}[a-zA-Z]{0,3}$/)), (text) => {
      for (const value of [parseBytes(text), parseDurationMs(text)])
        assert.ok(value === undefined || (Number.isSafeInteger(value) && value >= 0));
    }),
  );
});

test('sizes and durations are written in their largest whole unit', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 8_388_608].map(formatBytes), ['0', '1023', '1KiB', '1536', '8MiB']);
  assert.deepEqual([0, 250, 1500, 30_000, 90_000, 86_400_000].map(formatDurationMs), [
    '0ms',
    '250ms',
    '1500ms',
    '30s',
    '90s',
    '1d',
  ]);
});
