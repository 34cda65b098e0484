import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCalendar, isTimeZone, windowAt, type CalendarPeriod } from './calendar.ts';
import { createWallClock } from './wall-clock.ts';

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
  // They go back by half an hour, from 02:00 to 01:30.
  ['hour', 'Australia/Lord_Howe', '2027-04-03T14:59:59.999Z', '2027-04-03T14:00:00Z', '2027-04-03T15:00:00Z'],
  ['hour', 'Australia/Lord_Howe', '2027-04-03T15:00:00Z', '2027-04-03T15:00:00Z', '2027-04-03T15:30:00Z'],
  ['hour', 'Australia/Lord_Howe', '2027-04-03T15:10:00Z', '2027-04-03T15:00:00Z', '2027-04-03T15:30:00Z'],
  ['hour', 'Australia/Lord_Howe', '2027-04-03T15:30:00Z', '2027-04-03T15:30:00Z', '2027-04-03T16:30:00Z'],
  // And forwards, from 02:00 to 02:30.
  ['hour', 'Australia/Lord_Howe', '2027-10-02T15:45:00Z', '2027-10-02T15:30:00Z', '2027-10-02T16:00:00Z'],
  // A day that begins at one o'clock, and one that is not there.
  ['day', 'America/Havana', '2027-03-14T12:00:00Z', '2027-03-14T05:00:00Z', '2027-03-15T04:00:00Z'],
  ['day', 'Pacific/Apia', '2011-12-30T09:59:59Z', '2011-12-29T10:00:00Z', '2011-12-30T10:00:00Z'],
  ['day', 'Pacific/Apia', '2011-12-30T10:00:00Z', '2011-12-30T10:00:00Z', '2011-12-31T10:00:00Z'],
  // One minute of the 7th, then 59 of the 6th once more: they are of the 7th.
  ['day', 'America/St_Johns', '2010-11-07T02:45:00Z', '2010-11-07T02:30:00Z', '2010-11-08T03:30:00Z'],
  ['minute', 'UTC', '2026-11-26T14:31:10Z', '2026-11-26T14:31:00Z', '2026-11-26T14:32:00Z'],
] as const satisfies readonly (readonly [CalendarPeriod, string, string, string, string])[]) {
  test(`at ${now} the ${per} in ${zone} is from ${start} to ${end}`, () => {
    assert.deepEqual(windowAt(per, at(now), zone), { startMs: at(start), endMs: at(end) });
  });
}

const ZONES = [
  ...['UTC', 'Australia/Lord_Howe', 'Europe/Berlin', 'America/Havana', 'Asia/Kathmandu', 'America/St_Johns'],
  ...['Pacific/Apia', 'Pacific/Chatham', 'America/Santiago', 'Africa/Casablanca'],
];

for (const zone of ZONES) {
  test(`in ${zone} each time lies in its window, each time of a window leads to it, and the next begins at its end`, () => {
    const changes = changesOf(zone);
    const numberFrom = (n: number): number => Math.floor(Math.random() * n);
    const times = [
      ...Array.from({ length: 100 }, () => FROM_MS + numberFrom(UNTIL_MS - FROM_MS)),
      // Random times seldom meet one: those around every change, to the millisecond.
      ...changes.flatMap((ms) => [ms - 1, ms, ms + 1, ms + numberFrom(7_200_000), ms - numberFrom(7_200_000)]),
    ];
    for (const nowMs of times) {
      for (const per of ['second', 'minute', 'hour', 'day', 'month'] as const) {
        const window = windowAt(per, nowMs, zone);
        const { startMs, endMs } = window;
        const what = `${per} at ${new Date(nowMs).toISOString()}`;
        assert.ok(startMs <= nowMs && nowMs < endMs, what);
        for (const ms of [startMs, Math.floor((startMs + endMs) / 2), endMs - 1]) {
          assert.deepEqual(windowAt(per, ms, zone), window, what);
        }
        assert.equal(windowAt(per, endMs, zone).startMs, endMs, what);
        assert.equal(windowAt(per, startMs - 1, zone).endMs, startMs, what);
      }
    }
  });
}

const [FROM_MS, UNTIL_MS] = [at('2008-01-01T00:00:00Z'), at('2037-01-01T00:00:00Z')];

/** When the clocks of a zone are changed, milliseconds since the epoch. */
function changesOf(zone: string): readonly number[] {
  const all: number[] = [];
  let now = Temporal.Instant.fromEpochMilliseconds(FROM_MS).toZonedDateTimeISO(zone).getTimeZoneTransition('next');
  while (now !== null && now.epochMilliseconds < UNTIL_MS) {
    all.push(now.epochMilliseconds);
    now = now.getTimeZoneTransition('next');
  }
  return all;
}

/** A clock whose two times are set apart. */
function clocks(nowMs: number) {
  const time = { wallMs: nowMs, monotonicMs: 5_000 };
  const clock = { nowMs: () => time.wallMs, monotonicMs: () => time.monotonicMs, after: () => assert.fail() };
  let wall = createWallClock(clock);
  let calendar = createCalendar('UTC', wall);
  return {
    window: (per: CalendarPeriod) => calendar.window(per, time.monotonicMs),
    /** As a reload of the configuration does. */
    reload: () => (calendar = createCalendar('UTC', wall)),
    /** As a thread that begins does, from what another one goes by. */
    replace() {
      wall = createWallClock(clock, wall.state());
      calendar = createCalendar('UTC', wall);
    },
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

test('a window that ends while the clock is doubted gives way to the next, at any part of a millisecond', () => {
  const it = clocks(at('2026-11-26T14:59:00Z'));
  it.window('hour');
  it.set(86_400_000);
  it.pass(59_999.75);
  assert.equal(it.window('hour').startMs, at('2026-11-26T14:00:00Z'));
  it.pass(0.5);
  assert.equal(it.window('hour').startMs, at('2026-11-26T15:00:00Z'));
});

test('a window in which the clock is put right is the same one, and ends at the time that is right', () => {
  const it = clocks(at('2026-11-26T14:30:00Z'));
  const before = it.window('day');
  it.set(-2 * 3_600_000);
  it.pass(1_000);
  it.window('day');
  it.pass(3_600_000);
  const after = it.window('day');
  assert.deepEqual([after.startMs, after.endMs], [before.startMs, before.endMs]);
  assert.equal(after.endsAtMs, before.endsAtMs + 2 * 3_600_000);
});

test('windows of all periods follow the clock, whichever is asked for first', () => {
  const it = clocks(at('2026-11-15T12:00:00Z'));
  const ask = () => [it.window('day').startMs, it.window('month').startMs];
  ask();
  it.set(at('2026-12-01T00:00:00Z') - at('2026-11-15T12:00:00Z'));
  for (let s = 0; s <= 3_700; s++) {
    it.pass(1_000);
    ask();
  }
  assert.deepEqual(ask(), [at('2026-12-01T00:00:00Z'), at('2026-12-01T00:00:00Z')]);
});

test('a clock that is set once more while it is doubted is doubted for an hour from then on', () => {
  const it = clocks(at('2026-11-26T14:30:00Z'));
  const { startMs } = it.window('day');
  it.set(5_000);
  it.pass(1_000);
  it.window('day');
  it.pass(3_540_000);
  it.set(40 * 86_400_000);
  it.window('day');
  it.pass(3_599_999);
  assert.equal(it.window('day').startMs, startMs);
  it.pass(1_001);
  assert.equal(it.window('day').startMs, startMs + 40 * 86_400_000);
});

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

for (const [name, anew] of [
  ['a reload', 'reload'],
  ['a thread that begins', 'replace'],
] as const) {
  test(`a clock that was set is doubted all the same after ${name}, and believed no later for it`, () => {
    const it = clocks(at('2026-11-26T14:30:00Z'));
    const { startMs } = it.window('day');
    it.set(86_400_000);
    // Set, and nobody has looked yet.
    it[anew]();
    assert.equal(it.window('day').startMs, startMs);
    it.pass(1_800_000);
    it[anew]();
    assert.equal(it.window('day').startMs, startMs);
    it.pass(1_799_999);
    it[anew]();
    assert.equal(it.window('day').startMs, startMs);
    it.pass(1);
    it[anew]();
    assert.equal(it.window('day').startMs, startMs + 86_400_000);
  });
}

test('calendars of several zones go by one wall clock: what one has seen of a jump the others know', () => {
  const time = { wallMs: at('2026-11-26T14:30:00Z'), monotonicMs: 5_000 };
  const wall = createWallClock({
    nowMs: () => time.wallMs,
    monotonicMs: () => time.monotonicMs,
    after: () => assert.fail(),
  });
  const [utc, berlin] = [createCalendar('UTC', wall), createCalendar('Europe/Berlin', wall)];
  const starts = () => [utc, berlin].map((one) => one.window('day', time.monotonicMs).startMs);
  const before = starts();
  time.wallMs += 86_400_000;
  assert.deepEqual(starts(), before);
  utc.window('day', (time.monotonicMs += 1_000));
  time.wallMs += 3_600_000;
  time.monotonicMs += 3_600_000;
  assert.deepEqual(
    starts(),
    before.map((startMs) => startMs + 86_400_000),
  );
});

test('time zones are those of IANA', () => {
  assert.deepEqual(['UTC', 'Europe/Berlin', 'Mars/Olympus', ''].map(isTimeZone), [true, true, false, false]);
});
