import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareReleases, isAffected, parseRelease, type Release } from './release.ts';

const release = (text: string): Release => {
  const parsed = parseRelease(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
};

for (const { text, parsed } of [
  { text: '0.10.1.1', parsed: { numbers: [0, 10, 1, 1] } },
  { text: 'v0.33.0', parsed: { numbers: [0, 33, 0] } },
  { text: '0.20.2rc0', parsed: { numbers: [0, 20, 2], pre: { phase: 'rc', number: 0 } } },
  { text: '0.20.2-RC.3', parsed: { numbers: [0, 20, 2], pre: { phase: 'rc', number: 3 } } },
  { text: '0.1a', parsed: { numbers: [0, 1], pre: { phase: 'a', number: 0 } } },
  { text: '0.5.0.post1', parsed: { numbers: [0, 5, 0], post: 1 } },
  {
    text: '0.11.1.dev12+g0123abc.d20260101',
    parsed: { numbers: [0, 11, 1], dev: 12, local: ['g0123abc', 'd20260101'] },
  },
  {
    text: '0.11.0rc2.dev5+gabc',
    parsed: { numbers: [0, 11, 0], pre: { phase: 'rc', number: 2 }, dev: 5, local: ['gabc'] },
  },
  { text: '0.24.0+cu128.7', parsed: { numbers: [0, 24, 0], local: ['cu128', 7] } },
  { text: ' 0.24.0\n', parsed: { numbers: [0, 24, 0] } },
] as const) {
  test(`${JSON.stringify(text)} is read as a release`, () => {
    assert.deepEqual(parseRelease(text), { pre: undefined, post: undefined, dev: undefined, local: [], ...parsed });
  });
}

for (const text of [
  '',
  'dev',
  'latest',
  '1!0.2',
  '0.',
  '.1',
  '0.1.x',
  '0.1 beta 2x',
  '0.1+',
  '1'.repeat(10),
  '0.1-',
  'vv1',
]) {
  test(`${JSON.stringify(text)} is no release`, () => assert.equal(parseRelease(text), undefined));
}

test('a text of any length is judged without long work', () => {
  assert.equal(parseRelease('0.'.repeat(1_000_000)), undefined);
});

test('releases come in the order of PEP 440', () => {
  const inOrder = [
    '0.9.2',
    '0.10.1',
    '0.10.1.1',
    '0.11.0.dev3',
    '0.11.0a1.dev1',
    '0.11.0a1',
    '0.11.0b2',
    '0.11.0rc1.dev2',
    '0.11.0rc1',
    '0.11.0rc2.dev5+gabc',
    '0.11.0rc2',
    '0.11.0rc10',
    '0.11.0',
    '0.11.0+cpu',
    '0.11.0+cpu.1',
    '0.11.0+1',
    '0.11.0+2',
    '0.11.0.post1.dev1',
    '0.11.0.post1',
    '0.11.0.post2',
    '0.11.1.dev1',
    '0.11.1',
    '1.0.0',
  ];
  for (let i = 0; i < inOrder.length; i += 1) {
    for (let j = 0; j < inOrder.length; j += 1) {
      const [a, b] = [inOrder[i] ?? '', inOrder[j] ?? ''];
      assert.equal(Math.sign(compareReleases(release(a), release(b))), Math.sign(i - j), `${a} and ${b}`);
    }
  }
});

for (const [a, b] of [
  ['0.11', '0.11.0.0'],
  ['0.11.0rc1', 'v0.11.0-RC1'],
  ['0.11.0.post1', '0.11.0-post1'],
] as const) {
  test(`${a} and ${b} are the same release`, () => assert.equal(compareReleases(release(a), release(b)), 0));
}

const optional = (number: fc.Arbitrary<number>) => fc.option(number, { nil: undefined });
const anyRelease: fc.Arbitrary<Release> = fc.record({
  numbers: fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }),
  pre: fc.option(fc.record({ phase: fc.constantFrom('a' as const, 'b' as const, 'rc' as const), number: fc.nat(2) }), {
    nil: undefined,
  }),
  post: optional(fc.nat(2)),
  dev: optional(fc.nat(2)),
  local: fc.array(fc.oneof(fc.nat(2), fc.constantFrom('cpu', 'cu128')), { maxLength: 2 }),
});

test('the order of releases is total', () => {
  fc.assert(
    fc.property(anyRelease, anyRelease, anyRelease, (a, b, c) => {
      assert.equal(compareReleases(a, a), 0);
      assert.equal(Math.sign(compareReleases(a, b)), -Math.sign(compareReleases(b, a)) + 0);
      if (compareReleases(a, b) <= 0 && compareReleases(b, c) <= 0) assert.ok(compareReleases(a, c) <= 0);
      if (compareReleases(a, b) === 0) assert.equal(Math.sign(compareReleases(a, c)), Math.sign(compareReleases(b, c)));
    }),
  );
});

test('any text is judged without an error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      isAffected(parseRelease(text), { introduced: text, fixed: text, lastAffected: text });
    }),
  );
});

for (const { range, inside, outside } of [
  { range: {}, inside: ['0.0.1', '99.0'], outside: [] },
  { range: { introduced: '0.8.0' }, inside: ['0.8.0', '0.8.0.post1', '0.9'], outside: ['0.7.3', '0.7.3.post1'] },
  {
    range: { fixed: '0.8.5' },
    inside: ['0.1', '0.8.4.post2', '0.8.5rc1'],
    outside: ['0.8.5', '0.8.5.post1', '0.9.0rc1'],
  },
  {
    range: { lastAffected: '0.29.0' },
    inside: ['0.28.1', '0.29.0', '0.29.0+cu128'],
    outside: ['0.29.0.post1', '0.29.1'],
  },
  { range: { introduced: '0.10.0', fixed: '0.10.1.1' }, inside: ['0.10.0', '0.10.1'], outside: ['0.9.2', '0.10.1.1'] },
  { range: { fixed: '0.24.0', lastAffected: '0.23.0' }, inside: ['0.23.0', '0.23.1'], outside: ['0.24.0'] },
  {
    range: { introduced: '0.20.2rc0', fixed: '0.26.0' },
    inside: ['0.20.2rc0', '0.20.2'],
    outside: ['0.20.1', '0.26.0'],
  },
]) {
  test(`the range ${JSON.stringify(range)} has both its bounds`, () => {
    for (const text of inside) assert.equal(isAffected(release(text), range), true, text);
    for (const text of outside) assert.equal(isAffected(release(text), range), false, text);
  });
}

test('an unknown release is affected by everything', () => {
  assert.equal(isAffected(undefined, { introduced: '0.8.0', fixed: '0.8.1' }), true);
});

test('a bound that cannot be read bounds nothing', () => {
  for (const range of [{ introduced: 'soon' }, { fixed: 'commit 0123abc' }, { lastAffected: '?' }]) {
    assert.equal(isAffected(release('0.9.0'), range), true);
  }
});

test('a pre-release counts as having what its release brings in', () => {
  assert.equal(isAffected(release('0.24.0rc1'), { introduced: '0.24.0', fixed: '0.30.0' }), true);
});

test('a build of the main branch counts as having everything that was not fixed before it', () => {
  const build = release('0.23.1.dev400+g0123abc');
  assert.equal(isAffected(build, { introduced: '0.24.0', fixed: '0.30.0' }), true);
  assert.equal(isAffected(build, { introduced: '0.10.0', fixed: '0.23.0' }), false);
});

test('a local label does not take a release out of a range', () => {
  assert.equal(isAffected(release('0.24.0+cu128'), { fixed: '0.24.0' }), false);
  assert.equal(isAffected(release('0.23.0+cu128'), { fixed: '0.24.0' }), true);
  assert.equal(isAffected(release('0.8.0+cpu'), { introduced: '0.8.0' }), true);
});
