import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AlertMessage } from './alert.ts';
import { alert } from './alerts.fixture.ts';
import { createGrouping } from './grouping.ts';

const TIMES = { waitMs: 30_000, intervalMs: 300_000, repeatMs: 14_400_000 };
const counted = (messages: readonly AlertMessage[]): number => messages.reduce((sum, { count }) => sum + count, 0);

test('what comes within the group wait is one message, and not 1 ms before its time', () => {
  const grouping = createGrouping(TIMES);
  grouping.add(alert({ subject: 'key:a' }), 0);
  grouping.add(alert({ subject: 'key:b' }), 29_999);
  assert.equal(grouping.nextMs(), 30_000);
  assert.deepEqual(grouping.take(29_999), []);
  const [message] = grouping.take(30_000);
  assert.equal(message?.count, 2);
  assert.deepEqual(
    message.alerts.map(({ subject }) => subject),
    ['key:a', 'key:b'],
  );
});

test('what is critical does not wait, and its group comes no more often than every 30 s', () => {
  const grouping = createGrouping(TIMES);
  const critical = (subject: string) => alert({ subject, severity: 'critical' });
  grouping.add(critical('a'), 5);
  assert.equal(grouping.take(5).length, 1);
  grouping.add(critical('b'), 6);
  assert.deepEqual(grouping.take(30_004), []);
  assert.equal(grouping.take(30_005).length, 1);
});

test('what comes later is collected until the group interval is over', () => {
  const grouping = createGrouping(TIMES);
  grouping.add(alert({ subject: 'a' }), 0);
  grouping.take(30_000);
  for (let i = 0; i < 50; i++) grouping.add(alert({ subject: `b${i}` }), 40_000 + i);
  assert.deepEqual(grouping.take(329_999), []);
  const [message] = grouping.take(330_000);
  assert.deepEqual([message?.count, message?.alerts.length], [50, 5]);
});

test('the same thing is told once, and again after the repeat interval with how often it came', () => {
  const grouping = createGrouping(TIMES);
  grouping.add(alert(), 0);
  grouping.take(30_000);
  for (let i = 1; i <= 9; i++) grouping.add(alert(), i * 600_000);
  assert.deepEqual(grouping.take(14_429_999), []);
  assert.equal(counted(grouping.take(14_430_000)), 9);
});

test('what has become worse is told without waiting for the repeat interval, and is then told once as well', () => {
  const grouping = createGrouping(TIMES);
  grouping.add(alert(), 0);
  grouping.take(30_000);
  grouping.add(alert({ severity: 'critical' }), 100_000);
  assert.deepEqual(
    grouping.take(100_000).map(({ severity }) => severity),
    ['critical'],
  );
  for (const severity of ['critical', 'warning'] as const) grouping.add(alert({ severity }), 700_000);
  assert.deepEqual(grouping.take(14_499_999), []);
  assert.equal(counted(grouping.take(14_500_000)), 2);
});

test('rules and tenants are groups of their own', () => {
  const grouping = createGrouping(TIMES);
  grouping.add(alert(), 0);
  grouping.add(alert({ tenant: 'other' }), 0);
  grouping.add(alert({ event: 'probing' }), 0);
  assert.equal(grouping.take(30_000).length, 3);
});

test('an end resolves its group when nothing of it is open any more, and one of nothing is not told', () => {
  const grouping = createGrouping(TIMES);
  const over = (subject: string) => alert({ subject, isResolved: true });
  assert.equal(grouping.add(over('a'), 0), false);
  grouping.add(alert({ subject: 'a' }), 0);
  grouping.add(alert({ subject: 'b' }), 0);
  grouping.take(30_000);
  assert.ok(grouping.add(over('a'), 30_001));
  assert.deepEqual(
    grouping.take(330_000).map(({ isResolved }) => isResolved),
    [false],
  );
  assert.ok(grouping.add(over('b'), 330_001));
  assert.deepEqual(
    grouping.take(630_000).map(({ isResolved }) => isResolved),
    [true],
  );
});

test('what has been over is told at once when it comes again', () => {
  const grouping = createGrouping(TIMES);
  grouping.add(alert(), 0);
  grouping.take(30_000);
  grouping.add(alert({ isResolved: true }), 40_000);
  grouping.take(330_000);
  grouping.add(alert(), 400_000);
  assert.equal(grouping.nextMs(), 630_000);
});

test('a storm of 1,000,000 different alerts stays within 101 groups, and each is counted once', () => {
  const grouping = createGrouping(TIMES);
  const before = process.memoryUsage().heapUsed;
  let sent = 0;
  for (let i = 0; i < 1_000_000; i++) {
    const facts = { event: `rule-${i % 5_000}`, subject: `key:${i}`, tenant: `t${i % 7}` };
    grouping.add(alert(facts), i);
    if (i % 10_000 === 0) sent += counted(grouping.take(i));
  }
  assert.ok(grouping.size() <= 101, String(grouping.size()));
  assert.equal(sent + counted(grouping.take(1_000_000, true)), 1_000_000);
  assert.ok(process.memoryUsage().heapUsed - before < 200 * 1024 * 1024);
});

const step = fc.record({
  event: fc.integer({ min: 0, max: 130 }),
  subject: fc.integer({ min: 0, max: 5 }),
  severity: fc.constantFrom('info', 'warning', 'critical'),
  isResolved: fc.boolean(),
  afterMs: fc.integer({ min: 0, max: 200_000 }),
  takes: fc.boolean(),
});

test('each alert is counted in exactly one message, whatever the order; no message is of nothing', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const grouping = createGrouping(TIMES);
      let [nowMs, added] = [0, 0];
      const sent: AlertMessage[] = [];
      for (const { event, subject, severity, isResolved, afterMs, takes } of steps) {
        nowMs += afterMs;
        if (grouping.add(alert({ event: `e${event}`, subject: `s${subject}`, severity, isResolved }), nowMs)) added++;
        if (takes) sent.push(...grouping.take(nowMs));
        const next = grouping.nextMs();
        if (takes && next !== undefined) assert.ok(next > nowMs, 'what is due was taken');
      }
      sent.push(...grouping.take(nowMs, true));
      assert.equal(counted(sent), added);
      for (const { count, alerts } of sent) assert.ok(count >= 1 && alerts.length >= 1 && alerts.length <= count);
      assert.equal(grouping.nextMs(), undefined);
    }),
  );
});

test('what is critical is shown where five warnings came before it, and the warnings are counted', () => {
  const grouping = createGrouping(TIMES);
  for (let i = 0; i < 6; i++) grouping.add(alert({ subject: `w${i}` }), i);
  grouping.add(alert({ subject: 'bad', severity: 'critical' }), 10);
  const [message] = grouping.take(10);
  assert.deepEqual(
    message?.alerts.map(({ subject }) => subject),
    ['w0', 'w1', 'w2', 'w3', 'bad'],
  );
  assert.deepEqual([message?.count, message?.severity], [7, 'critical']);
});
