import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Silence } from '../kernel/export.ts';
import type { AlertMessage } from './alert.ts';
import { alert } from './alerts.fixture.ts';
import { createDesk, type DeskOptions } from './desk.ts';
import { nextDigestMs } from './digest.ts';
import { silenceOf } from './silence.ts';

const HOUR = 3_600_000;
const OPTIONS: DeskOptions = {
  ...{ waitMs: 0, intervalMs: 10_000, repeatMs: 60_000, minSeverity: 'warning', events: [], tenants: [] },
  ...{ maxPerHour: 8, digest: 'none' },
};
const silence = (match: Silence['match'], untilMs = HOUR): Silence => ({
  ...{ id: 'sil_1', match, reason: 'drill', createdAtMs: 0, untilMs },
});
const total = (messages: readonly AlertMessage[]): number => messages.reduce((sum, { count }) => sum + count, 0);

for (const [name, options, facts, result] of [
  ['of its severity is sent', {}, { severity: 'warning' }, 'waits'],
  ['below its severity is not', {}, { severity: 'info' }, 'not-for-it'],
  ['of a listed event is sent', { events: ['stolen-key'] }, {}, 'waits'],
  ['of another event is not', { events: ['probing'] }, {}, 'not-for-it'],
  ['of a listed tenant is sent', { tenants: ['default'] }, {}, 'waits'],
  ['of another tenant is not', { tenants: ['other'] }, {}, 'not-for-it'],
  ['of no tenant is not where tenants are listed', { tenants: ['default'] }, { tenant: undefined }, 'not-for-it'],
] as const)
  test(`an alert ${name}`, () => {
    assert.equal(createDesk({ ...OPTIONS, ...options }, 0).add(alert(facts), [], 0), result);
  });

for (const [name, match, isSilent] of [
  ['of its event', { event: 'stolen-key' }, true],
  ['of the beginning of its event', { event: 'stolen*' }, true],
  ['of another event', { event: 'stolen' }, false],
  ['of its tenant and subject', { tenant: 'default', subject: 'key:Ab12Cd' }, true],
  ['of its tenant and another subject', { tenant: 'default', subject: 'key:Ab12Ce' }, false],
  ['of its severity', { severity: 'warning' }, true],
  ['of a higher severity', { severity: 'critical' }, false],
  ['of nothing', {}, false],
] as const)
  test(`a silence ${name} ${isSilent ? 'hides' : 'does not hide'} an alert`, () => {
    assert.equal(silenceOf(alert(), [silence(match)], 0) !== undefined, isSilent);
  });

test('a silence hides up to its end, and not at it', () => {
  assert.ok(silenceOf(alert(), [silence({ event: '*' }, 5)], 4));
  assert.equal(silenceOf(alert(), [silence({ event: '*' }, 5)], 5), undefined);
  // That there is a silence is hidden by none, also not by itself.
  for (const match of [{ event: 'silen*' }, { severity: 'warning' }] as const) {
    assert.equal(silenceOf(alert({ event: 'silences.create' }), [silence(match)], 0), undefined);
  }
});

test('noise takes three quarters of the messages of an hour, what is critical all, and what is left out is summed up', () => {
  const desk = createDesk(OPTIONS, 0);
  const messages: AlertMessage[] = [];
  for (let i = 0; i < 20; i++) {
    desk.add(alert({ event: `noise-${i}` }), [], i);
    messages.push(...desk.take(i));
  }
  assert.equal(messages.length, 6);
  for (let i = 0; i < 3; i++) {
    desk.add(alert({ event: `bad-${i}`, severity: 'critical' }), [], 100);
    messages.push(...desk.take(100));
  }
  assert.equal(messages.length, 8);
  assert.equal(desk.nextMs(), HOUR);
  assert.deepEqual(desk.take(HOUR - 1), []);
  const [summary] = desk.take(HOUR);
  assert.deepEqual([summary?.kind, summary?.count, summary?.severity], ['left-out', 15, 'critical']);
  assert.ok(summary?.lines.includes('bad-2: 1'));
  desk.add(alert({ event: 'noise-0', subject: 'key:new' }), [], HOUR + 20_000);
  assert.equal(desk.take(HOUR + 20_000).length, 1);
});

test('a digest comes at midnight UTC with what there was, and once', () => {
  const desk = createDesk({ ...OPTIONS, digest: 'daily' }, HOUR);
  desk.add(alert(), [], HOUR);
  desk.add(alert({ event: 'ban' }), [silence({ event: 'ban' }, 2 * HOUR)], HOUR);
  desk.take(HOUR);
  assert.equal(desk.nextMs(), 24 * HOUR);
  assert.deepEqual(desk.take(24 * HOUR - 1), []);
  const [digest] = desk.take(24 * HOUR);
  assert.deepEqual([digest?.kind, digest?.lines, digest?.count], ['digest', ['stolen-key: 1', 'silenced: 1'], 0]);
  assert.deepEqual(desk.take(24 * HOUR), []);
  assert.equal(desk.nextMs(), 48 * HOUR);
});

test('a week ends before Monday', () => {
  const monday = Date.parse('2030-01-07T00:00:00Z');
  assert.equal(nextDigestMs('weekly', Date.parse('2030-01-06T23:59:59.999Z')), monday);
  assert.equal(nextDigestMs('weekly', monday), monday + 7 * 24 * HOUR);
  assert.equal(nextDigestMs('daily', monday), monday + 24 * HOUR);
});

const step = fc.record({
  event: fc.integer({ min: 0, max: 40 }),
  severity: fc.constantFrom('info', 'warning', 'critical'),
  afterMs: fc.integer({ min: 0, max: 600_000 }),
});

test('each alert is in exactly one message, silenced, or none of the channel’s', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const desk = createDesk({ ...OPTIONS, digest: 'daily' }, 0);
      const silences = [silence({ event: 'e1*' }, Infinity)];
      let [nowMs, waits] = [0, 0];
      const sent: AlertMessage[] = [];
      for (const { event, severity, afterMs } of steps) {
        nowMs += afterMs;
        if (desk.add(alert({ event: `e${event}`, severity }), silences, nowMs) === 'waits') waits++;
        sent.push(...desk.take(nowMs));
      }
      sent.push(...desk.takeAll(nowMs));
      assert.equal(total(sent), waits);
    }),
  );
});

test('a storm of one critical event does not hide another one', () => {
  const desk = createDesk({ ...OPTIONS, maxPerHour: 8 }, 0);
  let sent = 0;
  for (let i = 0; i < 50; i++) {
    desk.add(alert({ event: 'quarantine', subject: `key:${i}`, severity: 'critical', isAlone: true }), [], i);
    sent += desk.take(i).length;
  }
  assert.equal(sent, 7);
  desk.add(alert({ event: 'audit_log_failing', severity: 'critical' }), [], 60);
  assert.deepEqual(
    desk.take(60).map(({ event }) => event),
    ['audit_log_failing'],
  );
});
