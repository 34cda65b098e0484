import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { settableClock } from '../../../test/support/clock.ts';
import { parcelOf, type Parcel, type Verdict } from './parcel.ts';
import { createShipper, type ShipPosition } from './shipper.ts';

const ORIGIN = 'sallyport/0123456789abcdef';
const lineOf = (sequence: number): string => `{"metadata":{"sequence":${sequence}},"time":1,"class_uid":6003}`;

const TAKES: (parcels: readonly Parcel[]) => Verdict | Error = () => ({ kind: 'taken', dropped: 0 });

/** A log, a destination that does what it is told, and a shipper between them. */
function rig({ batch = 4, answer = TAKES } = {}) {
  const clock = settableClock();
  const log = { origin: ORIGIN, signed: 0, deletedBefore: 0 };
  const stored: { position: ShipPosition | undefined } = { position: undefined };
  const got: number[] = [];
  const tries: number[][] = [];
  const said: string[] = [];
  let lag = -1;
  const start = () =>
    createShipper({
      source: {
        head: () => (log.signed === 0 ? undefined : log),
        read(from, below, atMost) {
          const first = Math.max(from, log.deletedBefore);
          const count = Math.min(atMost, Math.max(0, below - first));
          const parcels = Array.from({ length: count }, (_, i) => parcelOf(lineOf(first + i), first + i, 1000));
          return { parcels, missing: first - from };
        },
      },
      async destination(parcels) {
        tries.push(parcels.map(({ sequence }) => sequence));
        const verdict = answer(parcels);
        if (verdict instanceof Error) throw verdict;
        if (verdict.kind === 'taken') got.push(...parcels.map(({ sequence }) => sequence));
        return verdict;
      },
      sender: { host: 'h', version: '1' },
      position: { read: () => stored.position, write: (position) => void (stored.position = position) },
      clock,
      batch,
      on: {
        sent: (count) => said.push(`sent ${count}`),
        failing: (why) => said.push(`failing: ${why}`),
        recovered: () => said.push('recovered'),
        failed: () => said.push('failed'),
        dropped: (count, why) => said.push(`dropped ${count}: ${why}`),
        setBack: (sent, signed) => said.push(`set back from ${sent} to ${signed}`),
        lag: (records) => void (lag = records),
      },
    });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await setImmediate();
  };
  return { clock, log, stored, got, tries, said, start, settle, lag: () => lag };
}

const upTo = (end: number): number[] => Array.from({ length: end }, (_, i) => i);

test('all that is signed is sent, in its order and in batches, and nothing that is not', async () => {
  const it = rig();
  it.log.signed = 10;
  it.start();
  await it.settle();
  assert.deepEqual(it.got, upTo(10));
  assert.deepEqual(
    it.tries.map(({ length }) => length),
    [4, 4, 2],
  );
  assert.deepEqual(it.stored.position, { origin: ORIGIN, next: 10 });
  assert.equal(it.lag(), 0);
});

test('what is recorded is sent a second later, and an idle log is looked at each 30 s', async () => {
  const it = rig();
  it.log.signed = 1;
  const shipper = it.start();
  await it.settle();
  it.log.signed = 2;
  shipper.wake();
  it.clock.advance(999);
  await it.settle();
  assert.equal(it.got.length, 1);
  it.clock.advance(1);
  await it.settle();
  assert.equal(it.got.length, 2);
  for (let s = 0; s < 5; s++) {
    it.clock.advance(1_000);
    await it.settle();
  }
  it.log.signed = 3;
  it.clock.advance(28_999);
  await it.settle();
  assert.equal(it.got.length, 2);
  it.clock.advance(1_001);
  await it.settle();
  assert.equal(it.got.length, 3);
});

test('a destination that fails is asked again after 1, 2, 4 and at most 60 s, is told of once, and loses nothing', async () => {
  let isDown = true;
  const it = rig({ answer: () => (isDown ? new Error('down') : { kind: 'taken', dropped: 0 }) });
  it.log.signed = 3;
  const shipper = it.start();
  await it.settle();
  for (const waitMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    const before = it.tries.length;
    shipper.wake(); // hurries nobody
    it.clock.advance(waitMs - 1);
    await it.settle();
    assert.equal(it.tries.length, before, `${waitMs}`);
    it.clock.advance(1);
    await it.settle();
    assert.equal(it.tries.length, before + 1, `${waitMs}`);
  }
  isDown = false;
  it.clock.advance(60_000);
  await it.settle();
  assert.deepEqual(it.got, [0, 1, 2]);
  assert.deepEqual(
    it.said.filter((line) => line !== 'failed'),
    ['failing: down', 'recovered', 'sent 3'],
  );
});

test('a destination that says when to come back is not asked before, but within 5 minutes', async () => {
  for (const [afterMs, waitMs] of [
    [90_000, 90_000],
    [900_000, 300_000],
  ] as const) {
    const it = rig({ answer: () => ({ kind: 'again', why: 'busy', afterMs }) });
    it.log.signed = 1;
    it.start();
    await it.settle();
    it.clock.advance(waitMs - 1);
    await it.settle();
    assert.equal(it.tries.length, 1);
    it.clock.advance(1);
    await it.settle();
    assert.equal(it.tries.length, 2);
  }
});

test('a record that is never taken is passed by alone, and said', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.nat(39),
      fc.integer({ min: 1, max: 9 }),
      async (size, bad, batch) => {
        const it = rig({
          batch,
          answer: (parcels) =>
            parcels.some(({ sequence }) => sequence === bad)
              ? { kind: 'refused', why: 'it answered 400' }
              : { kind: 'taken', dropped: 0 },
        });
        it.log.signed = size;
        it.start();
        for (let i = 0; i < 10; i++) await it.settle();
        assert.deepEqual(
          it.got,
          upTo(size).filter((n) => n !== bad),
        );
        assert.deepEqual(
          it.said.filter((line) => line.startsWith('dropped')),
          bad < size ? ['dropped 1: it answered 400'] : [],
        );
      },
    ),
    { numRuns: 30 },
  );
});

test('whenever it is killed, each record arrives at least once, and the first time in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom('grow', 'die', 'fail', 'work'), { maxLength: 40 }), async (steps) => {
      let isDown = false;
      const it = rig({ batch: 3, answer: () => (isDown ? new Error('down') : { kind: 'taken', dropped: 0 }) });
      it.start();
      for (const step of steps) {
        if (step === 'grow') it.log.signed += 2;
        if (step === 'die') it.start(); // the one before is never told
        isDown = step === 'fail' || (isDown && step !== 'work');
        it.clock.advance(1_000);
        await setImmediate();
      }
      isDown = false;
      it.start();
      await it.settle();
      await it.settle();
      const first = [...new Set(it.got)];
      assert.deepEqual(first, upTo(it.log.signed));
    }),
    { numRuns: 40 },
  );
});

test('records that retention has deleted before they were sent are counted, and the rest follows', async () => {
  const it = rig();
  Object.assign(it.log, { signed: 9, deletedBefore: 5 });
  it.start();
  await it.settle();
  assert.deepEqual(it.got, [5, 6, 7, 8]);
  assert.ok(it.said.includes('dropped 5: retention has deleted them before they were sent'));
});

test('a log that was set back is told of once, and what comes anew is sent', async () => {
  const it = rig();
  it.log.signed = 10;
  const shipper = it.start();
  await it.settle();
  it.log.signed = 6;
  shipper.wake();
  it.clock.advance(30_000);
  await it.settle();
  it.log.signed = 8;
  shipper.wake();
  it.clock.advance(30_000);
  await it.settle();
  assert.deepEqual(
    it.said.filter((line) => line.startsWith('set back')),
    ['set back from 10 to 6'],
  );
  assert.deepEqual(it.got, [...upTo(10), 6, 7]);
  assert.equal(it.lag(), 0);
});

test('a log that was begun anew is sent from its beginning', async () => {
  const it = rig();
  it.stored.position = { origin: 'sallyport/ffffffffffffffff', next: 700 };
  it.log.signed = 2;
  it.start();
  await it.settle();
  assert.deepEqual(it.got, [0, 1]);
});

test('closing sends what is signed, and waits for nobody longer than it may', async () => {
  const it = rig();
  it.log.signed = 1;
  const shipper = it.start();
  await it.settle();
  it.log.signed = 3;
  await shipper.close(1_000);
  assert.deepEqual(it.got, [0, 1, 2]);
  assert.equal(it.clock.waiting(), 0);
});

test('a destination that stumbles only at the end is asked again until it takes the last, or the time is over', async () => {
  let isDown = false;
  const it = rig({ answer: () => (isDown ? new Error('down') : { kind: 'taken', dropped: 0 }) });
  it.log.signed = 1;
  const shipper = it.start();
  await it.settle();
  it.log.signed = 3;
  isDown = true;
  const closed = shipper.close(1_000);
  await it.settle();
  assert.deepEqual(it.tries, [[0], [1, 2]]);
  isDown = false;
  it.clock.advance(250);
  await closed;
  assert.deepEqual(it.got, [0, 1, 2]);
  assert.equal(it.said.at(-2), 'recovered');
  assert.equal(it.clock.waiting(), 0);
});

test('one that stays away at the end is waited for as long as it may, and one that was away before not at all', async () => {
  for (const wasDown of [false, true]) {
    let isDown = wasDown;
    const it = rig({ answer: () => (isDown ? new Error('down') : { kind: 'taken', dropped: 0 }) });
    it.log.signed = 1;
    const shipper = it.start();
    await it.settle();
    it.log.signed = 2;
    isDown = true;
    let isClosed = false;
    const closed = shipper.close(600).then(() => (isClosed = true));
    await it.settle();
    assert.equal(isClosed, wasDown);
    for (let i = 0; i < 6; i++) {
      it.clock.advance(100);
      await it.settle();
    }
    await closed;
    assert.equal(it.tries.length, wasDown ? 2 : 4);
    assert.equal(it.clock.waiting(), 0);
  }
});
