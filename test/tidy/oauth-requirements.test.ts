import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AREAS, REQUIREMENTS } from '../conformance/oauth-requirements.ts';
import { provingTests, requirementsPage, stateOf, testsIn } from '../conformance/requirements-page.ts';
import { ROOT } from './source-tree.ts';

const tests = provingTests();
const ids = REQUIREMENTS.map(({ id }) => id);

test('the page of requirements is the one that the tests make: npm run requirements', () => {
  assert.equal(readFileSync(join(ROOT, 'docs/reference/oauth-requirements.md'), 'utf8'), requirementsPage(tests));
});

test('every requirement is there once, in its area, without a gap in the numbers', () => {
  assert.equal(new Set(ids).size, ids.length);
  for (const area of Object.keys(AREAS)) {
    const numbers = ids.filter((id) => id.startsWith(area)).map((id) => Number(id.slice(3)));
    assert.ok(numbers.length > 0, area);
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i + 1),
      area,
    );
  }
  assert.equal(ids.length, 150);
});

test('no test names a requirement that is not there, or one that was declined', () => {
  const declined = new Set(REQUIREMENTS.filter((one) => one.declined !== undefined).map(({ id }) => id));
  const offending = tests.flatMap(({ file, ids: named }) =>
    named.filter((id) => !ids.includes(id) || declined.has(id)).map((id) => `${file} ${id}`),
  );
  assert.deepEqual(offending, []);
});

test('ids are found at the beginning of titles and of names in tables, and nowhere else', () => {
  const text = [
    "test('JW-01 a: b', () => 1);",
    'test(`JW-02 JW-03 a ${x({ a: 1 })} b`, () => 1);',
    "  ['DP-01 without it', 1],",
    '// JW-04 is elsewhere',
    "test('a JW-05 in the middle', () => 1);",
    "test('XX-01 of no area', () => 1);",
    "test('JW-06 it\\'s, and \\u2019s', () => 1);",
  ].join('\n');
  assert.deepEqual(
    testsIn('a.test.ts', text).map((one) => [one.ids.join(), one.title]),
    [
      ['JW-01', 'a: b'],
      ['JW-02,JW-03', 'a … b'],
      ['DP-01', 'without it'],
      ['JW-06', 'it\u0027s, and \u2019s'],
    ],
  );
});

test('what both sides must do is proven by a test of each; one side alone leaves it open', () => {
  const requirement = { id: 'DP-01', level: 'must', sides: ['RS', 'AS'], text: '', source: '' } as const;
  const of = (file: string) => ({ file, title: '', ids: ['DP-01'] });
  assert.equal(stateOf(requirement, []), 'open');
  assert.equal(stateOf(requirement, [of('src/stages/a.test.ts')]), 'open');
  assert.equal(stateOf(requirement, [of('src/oauth/a.test.ts')]), 'open');
  assert.equal(stateOf(requirement, [of('src/stages/a.test.ts'), of('src/oauth/a.test.ts')]), 'proven');
  assert.equal(stateOf({ ...requirement, sides: ['AS'] }, [of('test/e2e/device.test.ts')]), 'proven');
  assert.equal(stateOf({ ...requirement, declined: 'no' }, [of('src/oauth/a.test.ts')]), 'declined');
});
