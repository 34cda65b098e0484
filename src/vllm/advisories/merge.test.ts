import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Advisory } from './advisory.ts';
import { knownAdvisories } from './index.ts';
import { mergeAdvisories } from './merge.ts';

const known: Advisory = {
  id: 'CVE-2026-1',
  aliases: ['PYSEC-2026-1'],
  summary: 'Ours.',
  severity: 'moderate',
  score: 5,
  affected: [{ lastAffected: '0.29.0' }],
  reach: 'blocks',
  trigger: { routes: ['/v1/completions'], fields: ['n'] },
};
const newer: Advisory = {
  id: 'GHSA-a',
  aliases: ['CVE-2026-1'],
  summary: 'Theirs.',
  severity: 'high',
  score: 7.5,
  affected: [{ fixed: '0.30.0' }],
  reach: 'detects',
};

test('a newer record corrects ranges, score and names, and leaves what only the product knows', () => {
  assert.deepEqual(mergeAdvisories([known], [newer]), [
    { ...known, aliases: ['PYSEC-2026-1', 'GHSA-a'], severity: 'high', score: 7.5, affected: [{ fixed: '0.30.0' }] },
  ]);
});

test('a newer record without a score leaves the old one', () => {
  const { score: _, ...unrated } = newer;
  const [merged] = mergeAdvisories([known], [{ ...unrated, severity: 'unknown' }]);
  assert.deepEqual([merged?.severity, merged?.score], ['moderate', 5]);
});

test('a record that shares no name is added behind', () => {
  const stranger = { ...newer, aliases: [] };
  assert.deepEqual(mergeAdvisories([known], [stranger]), [known, stranger]);
});

test('two records of one known advisory are not added', () => {
  const second = { ...newer, id: 'PYSEC-2026-1', aliases: [] };
  assert.equal(mergeAdvisories([known], [newer, second]).length, 1);
});

test('the list merged with itself or with nothing is the list', () => {
  assert.deepEqual(mergeAdvisories(knownAdvisories, []), knownAdvisories);
  assert.deepEqual(mergeAdvisories(knownAdvisories, knownAdvisories), knownAdvisories);
});
