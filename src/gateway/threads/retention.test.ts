import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newStateDir, openLog, record, wholeOf } from '../../../test/support/audit-log.ts';
import { settableClock } from '../../../test/support/clock.ts';
import { openShipPosition } from '../../adapters/files/ship-position.ts';
import { applyRetention } from './retention.ts';

/** Instead of a day: the log signs each second, whatever the clock is. */
const DAY_MS = 60_000;

/** A log with a segment of three records for each of ten days. */
function tenDays() {
  const stateDir = newStateDir();
  const clock = settableClock();
  const log = openLog(stateDir, { clock, segmentBytes: 600 });
  const firsts: number[] = [];
  for (let day = 0; day < 10; day++) {
    firsts.push(log.append([record(day), record(day)]));
    clock.advance(DAY_MS);
  }
  const deletedBefore = (): number => {
    log.close();
    return wholeOf(stateDir).deletedBefore;
  };
  return { stateDir, clock, log, firsts, deletedBefore };
}

const days = (count: number, shipTo: readonly string[] = []) => ({ retentionMs: count * DAY_MS, shipTo });

test('without retention all is kept', () => {
  const it = tenDays();
  applyRetention(it.log, { retentionMs: 'none', shipTo: [] }, it.stateDir, it.clock.nowMs());
  assert.equal(it.deletedBefore(), 0);
});

test('what is older is deleted where it is sent nowhere, and the log verifies', () => {
  const it = tenDays();
  applyRetention(it.log, days(3), it.stateDir, it.clock.nowMs());
  const before = it.deletedBefore();
  assert.ok(before > (it.firsts[4] ?? 0) && before <= (it.firsts[7] ?? 0), `${before} of ${it.firsts.join(' ')}`);
});

test('what one destination has not got yet is kept', () => {
  const it = tenDays();
  const { origin } = it.log;
  openShipPosition(it.stateDir, 'a').write({ origin, next: it.log.size });
  openShipPosition(it.stateDir, 'b').write({ origin, next: it.firsts[2] ?? 0 });
  applyRetention(it.log, days(6, ['a', 'b']), it.stateDir, it.clock.nowMs());
  const before = it.deletedBefore();
  assert.ok(before > 0 && before <= (it.firsts[2] ?? 0), String(before));
});

test('what no destination takes is kept as long again, and no longer', () => {
  const it = tenDays();
  applyRetention(it.log, days(6, ['a']), it.stateDir, it.clock.nowMs());
  assert.equal(it.log.retain(0), 0);
  applyRetention(it.log, days(4, ['a']), it.stateDir, it.clock.nowMs());
  const before = it.deletedBefore();
  assert.ok(before > 0 && before <= (it.firsts[2] ?? 0), String(before));
});

test('the place in another log counts for nothing', () => {
  const it = tenDays();
  openShipPosition(it.stateDir, 'a').write({ origin: 'sallyport/0000000000000000', next: 1_000 });
  applyRetention(it.log, days(6, ['a']), it.stateDir, it.clock.nowMs());
  assert.equal(it.deletedBefore(), 0);
});
