import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEstimator, mostTokens } from './estimator.ts';

const textOf = (bytes: number) => ({ bytes, items: 1, numbers: 0, media: 0 });

test('an estimate learns how a model counts, and hardly any prompt exceeds it then', () => {
  const estimator = createEstimator().of('acme', 'chat', 'm');
  for (let i = 0; i < 100; i++) {
    estimator.learn(textOf(6_000), 3_000 + 25);
    estimator.learn(textOf(30), 25 + 5);
  }
  const [long, short] = [estimator.prompt(textOf(12_000)), estimator.prompt(textOf(60))];
  assert.ok(long >= 6_000 && long < 6_900, String(long));
  assert.ok(short >= 35 && short < 70, String(short));
});

test('what one tenant teaches changes the estimates of no other', () => {
  const all = createEstimator();
  const before = all.of('acme', 'chat', 'm').prompt(textOf(10));
  const others = [all.of('evil', 'chat', 'm'), all.of('acme', 'chat', 'other'), all.of('acme', 'responses', 'm')];
  for (const other of others) for (let i = 0; i < 100; i++) other.learn(textOf(10), 200_000);
  assert.equal(all.of('acme', 'chat', 'm').prompt(textOf(10)), before);
  assert.notEqual(all.of('evil', 'chat', 'm').prompt(textOf(10)), before);
});

test('what a model counts absurdly is not believed: an estimate is never above what the bytes can be', () => {
  const estimator = createEstimator().of('acme', 'chat', 'm');
  for (let i = 0; i < 100; i++) {
    estimator.learn(textOf(10), Number.MAX_SAFE_INTEGER);
    estimator.learn(textOf(2_000), Number.MAX_SAFE_INTEGER);
  }
  for (const bytes of [0, 10, 2_000]) assert.ok(estimator.prompt(textOf(bytes)) <= mostTokens(textOf(bytes)));
});

test('whoever teaches a model to be slow pays for hanging up as if it were not quite so slow', () => {
  const estimator = createEstimator().of('acme', 'chat', 'm');
  for (let i = 0; i < 200; i++) estimator.learnSpeed(1, 60_000);
  assert.ok(estimator.writtenIn(1_000) >= 20);
});

test('media say nothing about texts', () => {
  const estimator = createEstimator().of('acme', 'chat', 'm');
  const before = estimator.prompt(textOf(100));
  estimator.learn({ ...textOf(100), media: 1 }, 50_000);
  assert.equal(estimator.prompt(textOf(100)), before);
  assert.equal(estimator.prompt({ ...textOf(100), media: 2 }), before + 3_000);
});

test('prompts with few tokens teach nobody to send prompts with many for less than a quarter of their bytes', () => {
  const estimator = createEstimator().of('acme', 'chat', 'm');
  for (let i = 0; i < 200; i++) estimator.learn(textOf(6_000), 5);
  assert.ok(estimator.prompt(textOf(6_000)) >= 1_500);
  for (let i = 0; i < 200; i++) estimator.learn(textOf(10), 0);
  assert.ok(estimator.prompt(textOf(0)) >= 12);
});
