import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { parseRelease } from '../release.ts';
import list from './advisories.json' with { type: 'json' };
import { ADVISORY_FORMAT, advisoryFileFrom, affects, isNamed, parseAdvisories, type Reach } from './advisory.ts';
import { knownAdvisories } from './index.ts';
import { severityFrom } from './cvss.ts';

const minimal: JsonObject = {
  id: 'CVE-2026-1',
  aliases: [],
  summary: 'A hole.',
  severity: 'high',
  affected: [{ fixed: '0.24.0' }],
  reach: 'detects',
};
const file = (...advisories: JsonValue[]): JsonObject => ({ format: ADVISORY_FORMAT, advisories });

test('the list is without mistakes: 93 advisories, of which HTTP can block 59, 26 are detected, 8 are out of reach', () => {
  assert.deepEqual(parseAdvisories(list).mistakes, []);
  assert.equal(knownAdvisories.length, 93);
  const count = (reach: Reach): number => knownAdvisories.filter((advisory) => advisory.reach === reach).length;
  assert.deepEqual([count('blocks'), count('detects'), count('none')], [59, 26, 8]);
});

test('no name stands for two advisories', () => {
  const names = knownAdvisories.flatMap(({ id, aliases }) => [id, ...aliases]);
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
});

test('the list is in the order of publication, and says what each advisory is about', () => {
  const days = knownAdvisories.map(({ published }) => published ?? '');
  assert.deepEqual(days, days.toSorted());
  for (const { id, summary, trigger } of knownAdvisories) {
    assert.match(summary, /^.{15,300}\.$/, id);
    assert.ok(trigger !== undefined && trigger.routes.length > 0, id);
  }
});

test('a severity of the list is the class of its score', () => {
  for (const { id, severity, score } of knownAdvisories) {
    if (score !== undefined) assert.equal(severity, severityFrom(score), id);
  }
});

test('a list that is written out is read back as it was', () => {
  const { advisories, mistakes } = parseAdvisories(advisoryFileFrom(knownAdvisories));
  assert.deepEqual(mistakes, []);
  assert.deepEqual(advisories, knownAdvisories);
});

for (const { claim, value, path } of [
  { claim: 'another format', value: { format: 'osv', advisories: [] }, path: 'format' },
  { claim: 'no list', value: { format: ADVISORY_FORMAT }, path: 'advisories' },
  { claim: 'no object', value: [], path: '' },
  { claim: 'an unknown member', value: file({ ...minimal, cvss: 1 }), path: 'advisories[0].cvss' },
  { claim: 'an id of another form', value: file({ ...minimal, id: '../x' }), path: 'advisories[0].id' },
  { claim: 'an id that is there twice', value: file(minimal, minimal), path: 'advisories[1].id' },
  { claim: 'an alias that is no text', value: file({ ...minimal, aliases: [1] }), path: 'advisories[0].aliases[0]' },
  { claim: 'a summary of two lines', value: file({ ...minimal, summary: 'a\nb' }), path: 'advisories[0].summary' },
  { claim: 'a long summary', value: file({ ...minimal, summary: 'a'.repeat(501) }), path: 'advisories[0].summary' },
  { claim: 'a severity of no scale', value: file({ ...minimal, severity: 'bad' }), path: 'advisories[0].severity' },
  { claim: 'a score above 10', value: file({ ...minimal, score: 10.1 }), path: 'advisories[0].score' },
  { claim: 'a day of another form', value: file({ ...minimal, published: '1.2.26' }), path: 'advisories[0].published' },
  { claim: 'no range', value: file({ ...minimal, affected: [] }), path: 'advisories[0].affected' },
  {
    claim: 'a bound that is no release',
    value: file({ ...minimal, affected: [{ fixed: 'soon' }] }),
    path: 'advisories[0].affected[0].fixed',
  },
  { claim: 'a reach that there is not', value: file({ ...minimal, reach: 'all' }), path: 'advisories[0].reach' },
  {
    claim: 'a trigger without fields',
    value: file({ ...minimal, trigger: { routes: [] } }),
    path: 'advisories[0].trigger.fields',
  },
] satisfies readonly { claim: string; value: JsonValue; path: string }[]) {
  test(`${claim} is a mistake at ${JSON.stringify(path)}`, () => {
    const { mistakes } = parseAdvisories(value);
    assert.ok(
      mistakes.some((mistake) => mistake.path === path && mistake.hint !== ''),
      JSON.stringify(mistakes),
    );
  });
}

test('one bad advisory does not take the good ones along', () => {
  const { advisories, mistakes } = parseAdvisories(
    file(minimal, { ...minimal, id: '' }, { ...minimal, id: 'CVE-2026-2' }),
  );
  assert.deepEqual(
    advisories.map(({ id }) => id),
    ['CVE-2026-1', 'CVE-2026-2'],
  );
  assert.equal(mistakes.length, 1);
});

test('an advisory affects what lies in one of its ranges', () => {
  const [advisory] = parseAdvisories(
    file({ ...minimal, affected: [{ fixed: '0.10.2' }, { introduced: '0.11.0', fixed: '0.11.3' }] }),
  ).advisories;
  assert.ok(advisory !== undefined);
  const affected = ['0.10.1', '0.10.2', '0.11.0', '0.11.3'].filter((text) => affects(advisory, parseRelease(text)));
  assert.deepEqual(affected, ['0.10.1', '0.11.0']);
  assert.ok(affects(advisory, undefined));
});

test('an advisory is found by its id and by each alias', () => {
  const [advisory] = parseAdvisories(file({ ...minimal, aliases: ['GHSA-a', 'PYSEC-1'] })).advisories;
  assert.ok(advisory !== undefined);
  assert.deepEqual(
    ['CVE-2026-1', 'GHSA-a', 'PYSEC-1', 'CVE-2026-2'].map((name) => isNamed(advisory, name)),
    [true, true, true, false],
  );
});

test('any value is read without an error, and what is read can be written and read again', () => {
  const member = fc.constantFrom('format', 'advisories', ...Object.keys(minimal), '__proto__', 'trigger', 'score');
  fc.assert(
    fc.property(fc.jsonValue(), fc.dictionary(member, fc.jsonValue()), (value, members) => {
      // `fc.jsonValue` makes JSON values.
      for (const one of [value, members, file({ ...minimal, ...members } as JsonObject)] as JsonValue[]) {
        const { advisories } = parseAdvisories(one);
        assert.deepEqual(parseAdvisories(advisoryFileFrom(advisories)), { advisories, mistakes: [] });
      }
    }),
  );
});
