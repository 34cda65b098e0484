import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../bench/anomaly/simulate.ts';

/** Small, so that it is quick; the whole house is in `bench/anomaly.ts`. The seed is one of those for choosing bounds. */
const HOUSE = { seed: 7, days: 23, keys: 16, each: 1 };

test('in a small house most attacks are found within five minutes, false alarms are few, and nobody is held by mistake', () => {
  const { judged, falseAlarms, records } = simulate(HOUSE);
  assert.ok(records > 20_000, String(records));
  const missed = judged.filter(({ delayMs }) => delayMs === undefined || delayMs > 300_000);
  assert.ok(missed.length <= 2, missed.map(({ incident }) => incident.kind).join());
  const alarms = falseAlarms.map(({ record }) => `${record.rule} ${record.subject} ${record.why}`);
  assert.ok(alarms.length <= 3, alarms.join('\n'));
  assert.deepEqual(
    falseAlarms.filter(({ wish }) => wish === 'hold'),
    [],
  );
});
