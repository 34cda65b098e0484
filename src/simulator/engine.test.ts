import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from './engine.ts';
import { createPrefixCache } from './prefix-cache.ts';

const words = (count: number, word = 'w') => Array.from({ length: count }, (_, i) => `${word}${i}`);

test('computes so many at once and the others in the order in which they came', () => {
  const engine = createEngine(2);
  const started: string[] = [];
  const ends = ['a', 'b', 'c', 'd'].map((name) => engine.enter({ start: () => started.push(name) }));
  assert.deepEqual([started, engine.running(), engine.waiting()], [['a', 'b'], 2, 2]);
  ends[2]?.();
  ends[0]?.();
  ends[0]?.();
  assert.deepEqual([started, engine.running(), engine.waiting(), engine.peak()], [['a', 'b', 'd'], 2, 0, 4]);
});

test('of a prompt that was seen before the whole blocks of its beginning are there, but for its last token', () => {
  const cache = createPrefixCache(100);
  assert.equal(cache.use(words(40), ''), 0);
  assert.equal(cache.use(words(40), ''), 32);
  assert.equal(cache.use([...words(40), 'more'], ''), 32);
  assert.equal(cache.use(words(32), ''), 31);
  assert.deepEqual(cache.counts(), { queries: 153, hits: 95 });
});

test('what differs at its beginning shares nothing with it, and neither does another salt', () => {
  const cache = createPrefixCache(100);
  cache.use(words(64), 'a');
  assert.equal(cache.use(['other', ...words(64).slice(1)], 'a'), 0);
  assert.equal(cache.use(words(64), 'b'), 0);
});

test('the blocks used longest ago go first', () => {
  const cache = createPrefixCache(2);
  cache.use(words(33), '');
  cache.use(words(17, 'x'), '');
  assert.equal(cache.use(words(17, 'x'), ''), 16);
  assert.equal(cache.use(words(33), ''), 0, 'its first block has gone');
});
