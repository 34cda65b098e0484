import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { newStateDir, openLog, record } from '../../../test/support/audit-log.ts';
import { openShipPosition, shippedBefore } from '../files/ship-position.ts';
import { createRecordSource } from './record-source.ts';

/** All records from a place on, read in batches. */
function readAll(stateDir: string, from: number, atMost: number) {
  const source = createRecordSource(stateDir, 10_000);
  const below = source.head()?.signed ?? 0;
  const sequences: number[] = [];
  let missing = 0;
  for (let next = from; next < below;) {
    const read = source.read(next, below, atMost);
    missing += read.missing;
    assert.ok(read.parcels.length > 0 && read.parcels.length <= atMost);
    for (const { sequence, line } of read.parcels) {
      assert.ok(line.startsWith(`{"metadata":{"sequence":${sequence},`), line);
      sequences.push(sequence);
    }
    next += read.missing + read.parcels.length;
  }
  return { sequences, missing };
}

const range = (from: number, below: number): number[] => Array.from({ length: below - from }, (_, i) => from + i);

test('each record is read once and in order, over segments, from whatever place and in whatever batches', () => {
  const stateDir = newStateDir();
  const log = openLog(stateDir, { segmentBytes: 1_500 });
  for (let i = 0; i < 12; i++) log.append([record(i), record(100 + i)]);
  log.close();
  const { size } = log;
  for (const atMost of [1, 2, 3, 100])
    for (let from = 0; from < size; from++)
      assert.deepEqual(readAll(stateDir, from, atMost), { sequences: range(from, size), missing: 0 });
});

test('records that are not signed yet are not there', () => {
  const stateDir = newStateDir();
  const log = openLog(stateDir);
  log.append([record(1)]);
  log.checkpoint();
  log.append([record(2)]);
  assert.equal(createRecordSource(stateDir, 1_000).head()?.signed, 2);
  log.close();
  assert.equal(createRecordSource(stateDir, 1_000).head()?.signed, 4);
});

test('where there is no log there is nothing', () => {
  assert.equal(createRecordSource(newStateDir(), 1_000).head(), undefined);
});

test('records that retention has deleted are counted as missing, and the next ones read', () => {
  const stateDir = newStateDir();
  const clock = settableClock();
  const log = openLog(stateDir, { clock, segmentBytes: 600 });
  for (let i = 0; i < 6; i++) {
    clock.advance(10_000);
    log.append([record(i), record(i)]);
  }
  const before = log.retain(clock.nowMs() - 25_000);
  log.close();
  assert.ok(before > 0);
  assert.deepEqual(readAll(stateDir, 1, 100), { sequences: range(before, log.size), missing: before - 1 });
});

test('a place is kept through a restart; a damaged one is none', () => {
  const stateDir = newStateDir();
  openShipPosition(stateDir, 'siem').write({ origin: 'sallyport/a', next: 7 });
  assert.deepEqual(openShipPosition(stateDir, 'siem').read(), { origin: 'sallyport/a', next: 7 });
  assert.equal(openShipPosition(stateDir, 'other').read(), undefined);
  assert.equal(shippedBefore(stateDir, ['siem'], 'sallyport/a'), 7);
  assert.equal(shippedBefore(stateDir, ['siem'], 'sallyport/b'), 0);
  assert.equal(shippedBefore(stateDir, ['siem', 'other'], 'sallyport/a'), 0);
  assert.equal(shippedBefore(stateDir, [], 'sallyport/a'), Infinity);
  openShipPosition(stateDir, 'siem').write({ origin: 'sallyport/a', next: -1 });
  assert.equal(openShipPosition(stateDir, 'siem').read(), undefined);
});
