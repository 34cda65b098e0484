import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Notice } from '../kernel/export.ts';
import { noticing } from './notices.ts';

function setUp() {
  const lines: string[] = [];
  const notices: Notice[] = [];
  const write = (event: string) => void lines.push(event);
  const output = {
    info: write,
    warn: write,
    error: write,
    raw: () => undefined,
    dropped: () => 0,
    flush: () => undefined,
  };
  return {
    lines,
    notices,
    log: noticing(
      output,
      () => 7,
      (notice) => notices.push(notice),
    ),
  };
}

test('a warning and an error are notices beside their line, and an information is none', () => {
  const { lines, notices, log } = setUp();
  log.info('certificate');
  log.warn('budget', { limit: 'day', holder: 'key:a', tenant: 't', until: undefined });
  log.error('issuer_unreachable', { issuer: 'https://login.example', why: 'no answer' });
  assert.deepEqual(lines, ['certificate', 'budget', 'issuer_unreachable']);
  assert.deepEqual(notices, [
    {
      ...{ timeMs: 7, event: 'budget', severity: 'warning', subject: 'holder:key:a', tenant: 't' },
      facts: { limit: 'day', holder: 'key:a', tenant: 't' },
    },
    {
      ...{ timeMs: 7, event: 'issuer_unreachable', severity: 'critical', tenant: undefined },
      ...{ subject: 'issuer:https://login.example' },
      facts: { issuer: 'https://login.example', why: 'no answer' },
    },
  ]);
});

test('what is about nothing in particular is about the gateway', () => {
  const { notices, log } = setUp();
  log.error('ledger');
  assert.equal(notices[0]?.subject, 'gateway');
});

test('an information that something is over is a notice', () => {
  const { notices, log } = setUp();
  for (const event of ['counters_up', 'audit_log_recovered', 'issuer_recovered', 'certificate', 'counters_up2'])
    log.info(event);
  assert.deepEqual(
    notices.map(({ event, severity }) => [event, severity]),
    [
      ['counters_up', 'info'],
      ['audit_log_recovered', 'info'],
      ['issuer_recovered', 'info'],
    ],
  );
});
