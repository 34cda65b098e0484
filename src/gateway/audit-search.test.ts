import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newStateDir, openLog } from '../../test/support/audit-log.ts';
import { openNameKeys } from '../adapters/files/audit-names.ts';
import { entryOf } from '../audit-log/entry.ts';
import { createNames } from '../audit-log/names.ts';
import { createOcsf } from '../audit-log/ocsf.ts';
import type { AuditRecord, ChangeRecord, RequestRecord } from '../kernel/record.ts';
import { searchAuditLog } from './audit-search.ts';

const requestOf = (n: number, more: Partial<RequestRecord> = {}): RequestRecord => ({
  kind: 'request',
  timeMs: 1_700_000_000_000 + n * 1_000,
  requestId: `r${n}`,
  outcome: 'answer',
  ...{ durationMs: 1, firstByteMs: undefined, status: 200, code: undefined, why: undefined },
  ...{ address: '192.0.2.1', network: '192.0.2.1', userAgent: undefined, keyId: 'Ab12Cd', tenant: 'acme' },
  ...{ issuer: undefined, subject: undefined, clientId: undefined, tokenHash: undefined },
  ...{ owner: undefined, member: undefined, method: 'POST', route: 'chat-completions', path: '', model: 'tiny' },
  ...{ upstream: 'main', isStream: false, promptTokens: 1, cachedTokens: undefined, completionTokens: 1 },
  ...{ logprobs: undefined, likeness: undefined },
  ...more,
});

const REVOKED: ChangeRecord = {
  kind: 'change',
  ...{ timeMs: 1_700_000_009_000, resource: 'api-keys', id: 'Ab12Cd', operation: 'revoke' },
  ...{ actor: { id: 'command', tenant: undefined, address: undefined }, tenant: 'acme' },
  ...{ before: { state: 'active' }, after: { state: 'revoked' } },
};

/** A log with records of two tenants, in small segments. */
function setUp() {
  const stateDir = newStateDir();
  mkdirSync(join(stateDir, 'keys'), { recursive: true });
  const keys = openNameKeys(stateDir);
  const textOf = createOcsf(
    '0',
    createNames((tenant, isNew) => keys.keyOf(tenant, isNew)),
  );
  const log = openLog(stateDir, { segmentBytes: 2_000 });
  const write = (...records: readonly AuditRecord[]): void => void log.append(records.map(textOf));
  for (let n = 0; n < 8; n++) {
    write(requestOf(n, n % 2 === 0 ? {} : { tenant: 'other', keyId: 'Ef34Gh', address: '2001:db8::1' }));
  }
  write(REVOKED);
  const find = (question: Partial<Parameters<typeof searchAuditLog>[1]>) => {
    const { records, next } = searchAuditLog(stateDir, { limit: 100, ...question });
    return { found: records.map((record) => entryOf(record)?.request ?? entryOf(record)?.object), records, next };
  };
  return { stateDir, keys, write, find };
}

test('records are found by each thing that they can be looked for, the newest first', () => {
  const { find } = setUp();
  assert.deepEqual(find({ kind: 'request' }).found, ['r7', 'r6', 'r5', 'r4', 'r3', 'r2', 'r1', 'r0']);
  assert.deepEqual(find({ credential: 'key:Ab12Cd' }).found, ['api-keys/Ab12Cd', 'r6', 'r4', 'r2', 'r0']);
  assert.deepEqual(find({ tenant: 'other' }).found, ['r7', 'r5', 'r3', 'r1']);
  assert.deepEqual(find({ address: '2001:db8::1' }).found, ['r7', 'r5', 'r3', 'r1']);
  assert.deepEqual(find({ address: '198.51.100.1' }).found, []);
  assert.deepEqual(find({ request: 'r3' }).found, ['r3']);
  assert.deepEqual(find({ kind: 'change' }).found, ['api-keys/Ab12Cd']);
  assert.deepEqual(find({ sinceMs: 1_700_000_002_000, untilMs: 1_700_000_004_000, kind: 'request' }).found, [
    'r3',
    'r2',
  ]);
  assert.deepEqual(find({ model: 'tiny', code: '200', tenant: 'acme' }).found, ['r6', 'r4', 'r2', 'r0']);
  assert.deepEqual(find({ model: 'large' }).found, []);
});

test('what was found is shown page by page, each record once', () => {
  const { find } = setUp();
  const first = find({ kind: 'request', limit: 5 });
  const second = find({ kind: 'request', limit: 5, before: first.next });
  assert.deepEqual([...first.found, ...second.found], ['r7', 'r6', 'r5', 'r4', 'r3', 'r2', 'r1', 'r0']);
  assert.equal(second.next, undefined);
});

test('an address is read by who has the key of its tenant, and by nobody once that is destroyed', () => {
  const { find, stateDir } = setUp();
  assert.match(find({ request: 'r3' }).records[0] ?? '', /"src_endpoint":\{"uid":"2001:db8::1"/);
  assert.equal(openNameKeys(stateDir).destroy('other'), true);
  assert.doesNotMatch(find({ request: 'r3' }).records[0] ?? '', /2001:db8/);
  assert.deepEqual(find({ address: '2001:db8::1' }).found, []);
  assert.match(find({ request: 'r2' }).records[0] ?? '', /192\.0\.2\.1/);
});

test('who a token is of stands nowhere in the clear, and is found by who has the key of the tenant', () => {
  const { find, write, stateDir } = setUp();
  const subject = 'subject:https://login.example alice "a" <a@example.com>';
  const token = { keyId: undefined, issuer: 'https://login.example', subject: 'alice "a" <a@example.com>' };
  write(
    requestOf(20, { ...token, tokenHash: 'hash' }),
    requestOf(21, { ...token, tokenHash: 'hash', issuer: 'https://other.example' }),
    {
      ...{ kind: 'finding', timeMs: 1_700_000_030_000, rule: 'stolen-key', subject, tenant: 'acme', score: 1, why: '' },
      requestId: 'r20',
    },
    {
      ...{ kind: 'hold', timeMs: 1_700_000_031_000, activity: 'quarantine', subject, tenant: 'acme' },
      ...{ reason: 'stolen-key', untilMs: undefined },
    },
    {
      ...{ ...REVOKED, resource: 'quarantine', id: subject, after: { id: subject, state: 'held' } },
      actor: { id: `token:${token.issuer} ${token.subject}`, tenant: 'acme', address: undefined },
    },
  );
  const folder = join(stateDir, 'audit-log');
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  for (const file of files) assert.doesNotMatch(readFileSync(join(folder, file), 'utf8'), /alice|example\.com/);
  const { found, records } = find({ credential: subject });
  assert.deepEqual(found, [`quarantine/${subject}`, subject, 'r20', 'r20']);
  assert.deepEqual(
    records.map((record) => (JSON.parse(record) as { actor?: { user: { uid: string } } }).actor?.user.uid),
    [`token:${token.issuer} ${token.subject}`, undefined, undefined, token.subject],
  );
  assert.equal(openNameKeys(stateDir).destroy('acme'), true);
  assert.deepEqual(find({ credential: subject }).found, []);
});

test('what is written after a search is found by the next one, and a line that is being written by neither', () => {
  const { find, write, stateDir } = setUp();
  assert.deepEqual(find({ request: 'r9' }).found, []);
  write(requestOf(9));
  assert.deepEqual(find({ request: 'r9' }).found, ['r9']);
  const folder = join(stateDir, 'audit-log');
  const last = readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .at(-1);
  appendFileSync(join(folder, last ?? ''), '{"metadata":{"sequence":99,"uid":"torn"},"time":1');
  assert.deepEqual(find({ request: 'torn' }).found, []);
});

test('an index that is lost is made anew', () => {
  const { find, stateDir } = setUp();
  const before = find({}).found;
  rmSync(join(stateDir, 'audit-log.index.db'));
  assert.deepEqual(find({}).found, before);
});

test('a log that takes the place of one that was moved away is searched from its beginning', () => {
  const { stateDir, find } = setUp();
  assert.equal(find({ kind: 'request' }).found.length, 8);
  renameSync(join(stateDir, 'audit-log'), join(stateDir, 'moved'));
  const keys = openNameKeys(stateDir);
  const names = createNames((tenant, isNew) => keys.keyOf(tenant, isNew));
  openLog(stateDir, { segmentBytes: 2_000 }).append([requestOf(20)].map(createOcsf('0', names)));
  assert.deepEqual(find({ kind: 'request' }).found, ['r20']);
});

test('what was cut off the log is not found any more, and what was written in its place is', () => {
  const { stateDir, find } = setUp();
  const before = find({ kind: 'request' }).found;
  const [first = ''] = readdirSync(join(stateDir, 'audit-log')).filter((name) => name.endsWith('.jsonl'));
  const file = join(stateDir, 'audit-log', first);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.slice(0, text.indexOf('\n') + 1));
  const after = find({ kind: 'request' }).found;
  assert.ok(after.length < before.length && after.length > 0);
  writeFileSync(file, text);
  assert.deepEqual(find({ kind: 'request' }).found, before);
});

test('the address that a change was made from is read, also where what was changed is of another tenant or of none', () => {
  const { write, find } = setUp();
  for (const tenant of ['other', undefined]) {
    const actor = { id: 'key:Ab12Cd', tenant: 'acme', address: '192.0.2.44' };
    write({ ...REVOKED, tenant, actor });
  }
  const { records } = find({ address: '192.0.2.44' });
  assert.deepEqual(
    records.map((record) => entryOf(record)?.address),
    ['192.0.2.44', '192.0.2.44'],
  );
});

test('a line with numbers that no record has is passed by, and what is behind it is found', () => {
  const { stateDir, find } = setUp();
  const last =
    readdirSync(join(stateDir, 'audit-log'))
      .filter((name) => name.endsWith('.jsonl'))
      .at(-1) ?? '';
  for (const [sequence, time] of [
    [1.5, 1],
    [-1, 1],
    [1e300, 1],
    [900, 1.5],
    [900, 1e300],
    [900, 8.64e15 + 1],
  ]) {
    appendFileSync(
      join(stateDir, 'audit-log', last),
      `${JSON.stringify({ metadata: { sequence, uid: 'forged' }, time, class_uid: 6003 })}\n`,
    );
  }
  assert.deepEqual(find({ request: 'forged' }).found, []);
  assert.equal(find({ kind: 'request' }).found.length, 8);
});
