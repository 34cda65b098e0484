import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../test/support/clock.ts';
import { createSift } from '../alerts/sift.ts';
import { createLossTeller } from './loss-teller.ts';

test('records that are lost are told of at once, then as a sum each minute, and each is told of once', () => {
  const clock = settableClock();
  const said: unknown[] = [];
  const lose = createLossTeller(clock, { error: (event, facts) => void said.push([event, facts?.['lost']]) });
  lose(3);
  lose(2);
  lose(1);
  assert.deepEqual(said, [['audit_log_gap', 3]]);
  clock.advance(59_999);
  assert.equal(said.length, 1);
  clock.advance(1);
  assert.deepEqual(said.at(-1), ['audit_log_gap', 3]);
  clock.advance(60_000);
  assert.equal(said.length, 2);
  lose(7);
  assert.deepEqual(said.at(-1), ['audit_log_gap', 7]);
});

test('the alert of lost records is critical, and says what to do', () => {
  const notice = { timeMs: 1, event: 'audit_log_gap', severity: 'critical', subject: 'gateway' } as const;
  const alert = createSift().ofNotice({ ...notice, tenant: undefined, facts: { lost: 3 } });
  assert.deepEqual(
    [alert?.severity, alert?.event, alert?.title, alert?.todo],
    ['critical', 'audit_log_gap', 'Records are missing from the audit log', ['sallyport audit-log verify']],
  );
});
