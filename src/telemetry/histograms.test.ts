import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHistograms } from './histograms.ts';
import { HISTOGRAM } from './names.ts';

test('a value at a bound is counted in its bucket, one above in the next', () => {
  const histograms = createHistograms(1_000, 10);
  for (const value of [0.01, 0.010_1, 1e9]) histograms.add(HISTOGRAM.operation, {}, value);
  const point = histograms.read(2_000)[0]?.dataPoints[0];
  assert.deepEqual([point?.bucketCounts[0], point?.bucketCounts[1], point?.bucketCounts.at(-1)], ['1', '1', '1']);
  assert.deepEqual([point?.count, point?.startTimeUnixNano], ['3', '1000000000']);
});

test('models without end are counted under other, and no value is lost', () => {
  const histograms = createHistograms(0, 8);
  for (let i = 0; i < 100; i++) histograms.add(HISTOGRAM.operation, { 'gen_ai.request.model': `m${i}` }, 1);
  for (let i = 0; i < 100; i++) histograms.add(HISTOGRAM.operation, { 'http.route': `/r${i}` }, 1);
  const points = histograms.read(1)[0]?.dataPoints ?? [];
  assert.equal(points.length, 8);
  assert.equal(
    points.reduce((sum, { count }) => sum + Number(count), 0),
    200,
  );
  assert.ok(points.some(({ attributes }) => JSON.stringify(attributes).includes('"other"')));
});

test('one value may stand for many', () => {
  const histograms = createHistograms(0, 8);
  histograms.add(HISTOGRAM.operation, {}, 0.5, 40);
  const point = histograms.read(1)[0]?.dataPoints[0];
  assert.deepEqual(
    [point?.count, point?.sum, point?.bucketCounts.filter((count) => count !== '0')],
    ['40', 20, ['40']],
  );
});

test('what is no duration is not counted', () => {
  const histograms = createHistograms(0, 8);
  for (const value of [NaN, -1, Infinity]) histograms.add(HISTOGRAM.operation, {}, value);
  assert.deepEqual(histograms.read(1), []);
});
