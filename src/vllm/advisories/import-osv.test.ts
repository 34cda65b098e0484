import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { advisoryFileFrom, parseAdvisories } from './advisory.ts';
import { cvssScore } from './cvss.ts';
import { advisoriesFromOsv } from './import-osv.ts';

const VLLM = { ecosystem: 'PyPI', name: 'vllm' };
const events = (...list: JsonObject[]): JsonObject => ({
  package: VLLM,
  ranges: [{ type: 'ECOSYSTEM', events: list }],
});
const record = (fields: JsonObject = {}): JsonObject => ({
  id: 'PYSEC-2027-1',
  aliases: ['CVE-2027-1', 'GHSA-aaaa-bbbb-cccc'],
  summary: 'A hole.',
  published: '2027-01-02T03:04:05Z',
  severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H' }],
  affected: [events({ introduced: '0.9.0' }, { fixed: '0.34.0' })],
  ...fields,
});
const whys = (value: JsonValue): readonly string[] => advisoriesFromOsv(value).unmapped.map(({ why }) => why);

test('a record of the PyPA database becomes an advisory', () => {
  assert.deepEqual(advisoriesFromOsv(record()), {
    advisories: [
      {
        id: 'PYSEC-2027-1',
        aliases: ['CVE-2027-1', 'GHSA-aaaa-bbbb-cccc'],
        summary: 'A hole.',
        severity: 'high',
        score: 7.5,
        published: '2027-01-02',
        affected: [{ introduced: '0.9.0', fixed: '0.34.0' }],
        reach: 'detects',
      },
    ],
    unmapped: [],
  });
});

test('a record, an array of records and an answer of the OSV API are the same', () => {
  const [one, list, answer] = [record(), [record()], { vulns: [record()] }].map((value) => advisoriesFromOsv(value));
  assert.deepEqual(list, one);
  assert.deepEqual(answer, one);
});

test('an advisory that a patch names is one that is blocked', () => {
  const reachOf = (aliases: string[]) => advisoriesFromOsv(record({ aliases })).advisories[0]?.reach;
  assert.equal(reachOf(['CVE-2026-93989']), 'blocks');
  const row = { id: 'x', advisories: ['CVE-2027-1'], on: ['*'], when: { all: [] }, message: '' };
  assert.equal(advisoriesFromOsv(record(), [row]).advisories[0]?.reach, 'blocks');
});

for (const { claim, affected, want } of [
  {
    claim: 'from the beginning',
    affected: [events({ introduced: '0' }, { fixed: '0.5' })],
    want: [{ fixed: '0.5' }],
  },
  { claim: 'to the end', affected: [events({ introduced: '0.5' })], want: [{ introduced: '0.5' }] },
  {
    claim: 'to the last affected one',
    affected: [events({ introduced: '0.5' }, { last_affected: '0.6' })],
    want: [{ introduced: '0.5', lastAffected: '0.6' }],
  },
  {
    claim: 'in two pieces, in any order',
    affected: [events({ fixed: '0.8' }, { introduced: '0.7' }, { introduced: '0' }, { fixed: '0.5.1' })],
    want: [{ fixed: '0.5.1' }, { introduced: '0.7', fixed: '0.8' }],
  },
  {
    claim: 'that touch',
    affected: [events({ introduced: '0' }, { fixed: '0.5' }, { introduced: '0.5' }, { fixed: '0.6' })],
    want: [{ fixed: '0.5' }, { introduced: '0.5', fixed: '0.6' }],
  },
  {
    claim: 'of one release',
    affected: [events({ introduced: '0.5' }, { last_affected: '0.5' })],
    want: [{ introduced: '0.5', lastAffected: '0.5' }],
  },
  {
    claim: 'of several entries, whose commits do not count',
    affected: [
      {
        package: { ecosystem: 'PyPI', name: 'VLLM' },
        ranges: [{ type: 'GIT', events: [{ introduced: '0' }] }],
        versions: ['0.5', '0.4.1'],
      },
      events({ introduced: '0.7' }),
      { package: { ecosystem: 'PyPI', name: 'other' }, ranges: [] },
    ],
    want: [{ introduced: '0.4.1', lastAffected: '0.5' }, { introduced: '0.7' }],
  },
] satisfies readonly { claim: string; affected: JsonObject[]; want: JsonObject[] }[]) {
  test(`ranges ${claim} are read`, () => {
    const { advisories, unmapped } = advisoriesFromOsv(record({ affected }));
    assert.deepEqual(advisories[0]?.affected, want);
    assert.deepEqual(unmapped, []);
  });
}

for (const { claim, entry } of [
  { claim: 'an event that names no release', entry: events({ introduced: '0' }, { fixed: 'a1b2c3' }) },
  { claim: 'an event of another kind', entry: events({ introduced: '0' }, { limit: '0.5' }) },
  { claim: 'a range without events', entry: events() },
  { claim: 'a range that begins nowhere', entry: events({ fixed: '0.5' }) },
  { claim: 'a range of an unknown type', entry: { package: VLLM, ranges: [{ type: 'X', events: [] }] } },
  { claim: 'commits alone', entry: { package: VLLM, ranges: [{ type: 'GIT', events: [] }] } },
  { claim: 'a version that is none', entry: { package: VLLM, versions: ['0.5', 'latest'] } },
  { claim: 'nothing', entry: { package: VLLM } },
  { claim: 'too many ranges', entry: { package: VLLM, ranges: Array.from({ length: 65 }, () => ({ type: 'GIT' })) } },
] satisfies readonly { claim: string; entry: JsonObject }[]) {
  test(`${claim} makes every release count as affected, and is named`, () => {
    const { advisories, unmapped } = advisoriesFromOsv(record({ affected: [entry] }));
    assert.deepEqual(advisories[0]?.affected, [{}]);
    assert.match(
      unmapped.map(({ id, why }) => `${id}: ${why}`).join(),
      /^PYSEC-2027-1: .*every release counts as affected/,
    );
  });
}

for (const { claim, value, why } of [
  {
    claim: 'about another package',
    value: record({ affected: [{ package: { ecosystem: 'npm', name: 'vllm' } }] }),
    why: /not about vllm/,
  },
  { claim: 'without an id', value: record({ id: '' }), why: /no id/ },
  { claim: 'that was withdrawn', value: record({ withdrawn: '2027-02-01T00:00:00Z' }), why: /withdrawn/ },
  { claim: 'that is a text', value: ['PYSEC-2027-1'], why: /no object/ },
] satisfies readonly { claim: string; value: JsonValue; why: RegExp }[]) {
  test(`a record ${claim} is left out and named`, () => {
    assert.deepEqual(advisoriesFromOsv(value).advisories, []);
    assert.match(whys(value).join(), why);
  });
}

test('a file of another form is named as a whole', () => {
  for (const value of [null, 'x', {}, { results: [] }]) assert.match(whys(value).join(), /^Neither an OSV record/);
});

test('of two records with one id the first counts', () => {
  const { advisories, unmapped } = advisoriesFromOsv([record(), record({ summary: 'Another.' })]);
  assert.deepEqual([advisories.length, advisories[0]?.summary], [1, 'A hole.']);
  assert.match(unmapped[0]?.why ?? '', /twice/);
});

test('a record that is not withdrawn says so by null, too', () => {
  assert.equal(advisoriesFromOsv(record({ withdrawn: null })).advisories.length, 1);
});

test('a summary is one printable line, made of the details where there is none', () => {
  const summaryOf = (fields: JsonObject) => advisoriesFromOsv(record(fields)).advisories[0]?.summary;
  assert.equal(summaryOf({ summary: '\u001b[31mred\u202e\nline' }), '[31mred line');
  assert.equal(summaryOf({ summary: '', details: '# Title\n\ntext' }), '# Title text');
  assert.equal(summaryOf({ summary: 7, details: null }), 'PYSEC-2027-1');
  assert.equal(summaryOf({ summary: '🚀'.repeat(1000) })?.length, 500);
});

test('a severity without a CVSS 3 vector is the word of GitHub, else unknown and named', () => {
  const v4 = [{ type: 'CVSS_V4', score: 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N' }];
  const known = advisoriesFromOsv(record({ severity: v4, database_specific: { severity: 'MODERATE' } }));
  assert.deepEqual([known.advisories[0]?.severity, known.unmapped.length], ['moderate', 0]);
  const unknown = advisoriesFromOsv(record({ severity: v4 }));
  assert.deepEqual([unknown.advisories[0]?.severity, unknown.advisories[0]?.score], ['unknown', undefined]);
  assert.match(unknown.unmapped[0]?.why ?? '', /severity/);
});

for (const { vector, score } of [
  { vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H', score: 7.5 },
  { vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', score: 9.8 },
  { vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H', score: 10 },
  { vector: 'CVSS:3.1/AV:A/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H', score: 9 },
  { vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H', score: 8.8 },
  { vector: 'CVSS:3.0/AV:N/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N', score: 3.1 },
  { vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:L/I:L/A:N', score: 7.2 },
  { vector: 'CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N', score: 0 },
  { vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N', score: undefined },
  { vector: 'CVSS:3.1/AV:constructor/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H', score: undefined },
  { vector: 'CVSS:4.0/AV:N/AC:L', score: undefined },
  { vector: 'AV:N/AC:L/Au:N/C:P/I:P/A:P', score: undefined },
]) {
  test(`${vector} is ${score ?? 'no vector of CVSS 3'}`, () => assert.equal(cvssScore(vector), score));
}

const name = fc.constantFrom(
  ...['id', 'aliases', 'summary', 'details', 'published', 'withdrawn', 'severity', 'score', 'affected', 'package'],
  ...['ecosystem', 'name', 'ranges', 'type', 'events', 'introduced', 'fixed', 'versions', 'vulns', '__proto__'],
);
const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonValue>(null, 1, '', '0', '0.9.0', 'ECOSYSTEM', 'PyPI', 'vllm', 'CVE-2027-1', 'CVSS:3.1/AV:N'),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(name, tie('tree'), { maxKeys: 5 }),
  ),
}));

test('any value is imported without an error, and what came of it is a list without mistakes', () => {
  fc.assert(
    fc.property(tree, fc.dictionary(name, tree), tree, (value, fields, entry) => {
      for (const one of [value, record(fields), record({ affected: [events(), { package: VLLM, ranges: entry }] })]) {
        const { advisories, unmapped } = advisoriesFromOsv(one);
        assert.deepEqual(parseAdvisories(advisoryFileFrom(advisories)), { advisories, mistakes: [] });
        assert.ok(unmapped.every(({ id, why }) => /^[\w. -]+$/.test(id) && why !== ''));
      }
    }),
  );
});

test('a file of a million records is read as far as the bound', () => {
  const { advisories, unmapped } = advisoriesFromOsv(Array.from({ length: 1_000_000 }, () => null));
  assert.deepEqual([advisories.length, unmapped.length], [0, 5001]);
});
