import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCalendar, isTimeZone, windowAt, type CalendarPeriod } from './calendar.ts';

const at = (text: string): number => Date.parse(text);

for (const [per, zone, now, start, end] of [
  ['hour', 'UTC', '2026-11-26T14:31:10Z', '2026-11-26T14:00:00Z', '2026-11-26T15:00:00Z'],
  ['hour', 'Asia/Kolkata', '2026-11-26T14:31:10Z', '2026-11-26T14:30:00Z', '2026-11-26T15:30:00Z'],
  ['day', 'UTC', '2026-11-26T23:59:59.999Z', '2026-11-26T00:00:00Z', '2026-11-27T00:00:00Z'],
  ['day', 'Europe/Berlin', '2026-11-26T23:30:00Z', '2026-11-26T23:00:00Z', '2026-11-27T23:00:00Z'],
  // The clocks go back: 25 hours.
  ['day', 'Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
  ['month', 'UTC', '2026-02-28T12:00:00Z', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'],
  ['month', 'Pacific/Auckland', '2026-12-31T12:00:00Z', '2026-12-31T11:00:00Z', '2027-01-31T11:00:00Z'],
  ['minute', 'UTC', '2026-11-26T14:31:10Z', '2026-11-26T14:31:00Z', '2026-11-26T14:32:00Z'],
] as const satisfies readonly (readonly [CalendarPeriod, string, string, string, string])[]) {
  test(`at ${now} the ${per} in ${zone} is from ${start} to ${end}`, () => {
    assert.deepEqual(windowAt(per, at(now), zone), { startMs: at(start), endMs: at(end) });
  });
}

/** A clock whose two times are set apart. */
function clocks(nowMs: number) {
  const time = { wallMs: nowMs, monotonicMs: 5_000 };
  const clock = { nowMs: () => time.wallMs, monotonicMs: () => time.monotonicMs, after: () => assert.fail() };
  const calendar = createCalendar('UTC', clock);
  return {
    window: (per: CalendarPeriod) => calendar.window(per, time.monotonicMs),
    pass(ms: number) {
      time.wallMs += ms;
      time.monotonicMs += ms;
    },
    set: (ms: number) => void (time.wallMs += ms),
  };
}

test('the window is the same until it ends, and tells its end by the monotonic clock', () => {
  const it = clocks(at('2026-11-26T14:59:00Z'));
  const first = it.window('hour');
  assert.equal(first.endsAtMs, 5_000 + 60_000);
  it.pass(59_999);
  assert.equal(it.window('hour'), first);
  it.pass(1);
  assert.equal(it.window('hour').startMs, at('2026-11-26T15:00:00Z'));
});

for (const [name, ms] of [
  ['forwards by a day', 86_400_000],
  ['backwards by an hour', -3_600_000],
] as const) {
  test(`a clock that is set ${name} opens no other window until it has stood for an hour`, () => {
    const it = clocks(at('2026-11-26T14:30:00Z'));
    const before = it.window('day');
    it.set(ms);
    // It is looked at once a second.
    it.pass(1_000);
    assert.equal(it.window('day'), before);
    it.pass(3_599_999);
    assert.equal(it.window('day'), before);
    it.pass(1_001);
    const after = it.window('day');
    assert.equal(after.startMs, before.startMs + (ms > 0 ? ms : 0));
  });
}

test('a clock that is set and set back in time has changed nothing', () => {
  const it = clocks(at('2026-11-26T14:30:00Z'));
  const before = it.window('day');
  it.set(86_400_000);
  it.pass(1_800_000);
  assert.equal(it.window('day'), before);
  it.set(-86_400_000);
  it.pass(3_000_000);
  assert.equal(it.window('day'), before);
  it.set(86_400_000);
  it.pass(3_000_000);
  assert.equal(it.window('day'), before);
});

test('time zones are those of IANA', () => {
  assert.deepEqual(['UTC', 'Europe/Berlin', 'Mars/Olympus', ''].map(isTimeZone), [true, true, false, false]);
});
