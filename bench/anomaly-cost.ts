/**
 * What the detector costs: memory of 100,000 keys that are all in use, microseconds of CPU for each record, microseconds of
 * the likeness of a prompt on a worker, and the size of a snapshot.
 *
 *     node bin/node26.mjs bench/anomaly-cost.ts [--keys 100000]
 */
import { parseArgs } from 'node:util';
import { createDetector, type Detector } from '../src/anomaly/detector.ts';
import { createLikeness } from '../src/anomaly/likeness.ts';
import { MONDAY_MS, requestRecord, unlike } from '../src/anomaly/story.fixture.ts';
import type { RequestRecord } from '../src/kernel/record.ts';
import { median } from './table.ts';

const { values } = parseArgs({ options: { keys: { type: 'string', default: '100000' } } });
const keys = Number(values.keys);
const ROUNDS = 9;

/** Millions of bytes outside of pages that nobody uses any more. */
function megabytes(): number {
  // With --expose-gc; without it the figure is what is not collected yet, too.
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

/** Microseconds of CPU of one call, the middle of some rounds. */
function microseconds(count: number, run: (i: number) => void): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    for (let i = 0; i < count; i++) run(i);
    return process.cpuUsage(before).user / count;
  });
  return median(rounds);
}

const recordOf = (i: number, timeMs: number): RequestRecord =>
  requestRecord({
    timeMs,
    network: `198.51.${i & 255}.${(i >> 8) & 255}`,
    keyId: `K${String(i % keys).padStart(5, '0')}`,
    tenant: `tenant-${i % 50}`,
    userAgent: 'OpenAI/Python 1.2.3',
    model: 'tiny',
    promptTokens: 900,
    completionTokens: 120,
    likeness: unlike(i),
  });

function fill(detector: Detector): number {
  let timeMs = MONDAY_MS;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < keys; i++) detector.hear(recordOf(i, (timeMs += 3)));
  }
  return timeMs;
}

const before = megabytes();
const detector = createDetector({ maxCredentials: keys });
let timeMs = fill(detector);
const memory = megabytes() - before;
print('memory of', detector.sizes().credentials, 'keys', memory, 'MB');
print('snapshot of', keys, 'keys', detector.snapshot().length / 1e6, 'MB');

const hot = Array.from({ length: 2_000 }, (_, i) => recordOf(i % 200, 0));
print(
  'record of one of',
  200,
  'keys',
  microseconds(100_000, (i) => {
    const record = hot[i % hot.length];
    if (record !== undefined) detector.hear({ ...record, timeMs: (timeMs += 5) });
  }),
  'µs',
);
const cold = Array.from({ length: 20_000 }, (_, i) => recordOf((i * 7_919) % keys, 0));
print(
  'record of one of',
  keys,
  'keys',
  microseconds(50_000, (i) => {
    const record = cold[i % cold.length];
    if (record !== undefined) detector.hear({ ...record, timeMs: (timeMs += 5) });
  }),
  'µs',
);

const likenessOf = createLikeness(Buffer.alloc(32, 1));
const SENTENCE =
  'Please explain to me, with an example, how a collector decides which objects move between its generations. ';
for (const length of [100, 500, 5_000, 500_000]) {
  const texts = Array.from({ length: 32 }, (_, i) =>
    `${i} ${SENTENCE.repeat(1 + length / SENTENCE.length)}`.slice(0, length),
  );
  print(
    'likeness of',
    length,
    'characters',
    microseconds(50_000, (i) => likenessOf('team', texts[i % 32] ?? '')),
    'µs',
  );
}

function print(what: string, count: number, of: string, value: number, unit: string): void {
  process.stdout.write(`${`${what} ${count.toLocaleString('en')} ${of}`.padEnd(44)} ${value.toFixed(2)} ${unit}\n`);
}
