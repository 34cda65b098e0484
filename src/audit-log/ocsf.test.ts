import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord, RequestRecord } from '../kernel/record.ts';
import { createNames } from './names.ts';
import { createOcsf } from './ocsf.ts';

const names = createNames(() => new Uint8Array(32));
const written = createOcsf('0.1.0', names);
type Read = Record<string, unknown> & { metadata: Record<string, unknown>; type_uid: number; class_uid: number };
const eventOf = (record: AuditRecord) => JSON.parse(written(record)) as Read;

const REQUEST: RequestRecord = {
  kind: 'request',
  timeMs: 1_700_000_000_000,
  requestId: 'id-1',
  durationMs: 12.35,
  firstByteMs: 3.2,
  outcome: 'answer',
  status: 200,
  code: undefined,
  why: undefined,
  address: '192.0.2.1',
  network: '192.0.2.1',
  userAgent: 'OpenAI/Python 1.2.3',
  keyId: undefined,
  issuer: 'https://id.example',
  subject: 'alice@example.com',
  clientId: 'cli',
  tokenHash: 'AAAAAAAAAAAAAAAAAAAAAA',
  tenant: 'acme',
  owner: undefined,
  member: 'bob@example.com',
  method: 'POST',
  route: 'chat-completions',
  path: '',
  model: 'tiny',
  upstream: 'main',
  isStream: true,
  promptTokens: 5,
  cachedTokens: 0,
  completionTokens: 6,
  logprobs: undefined,
  likeness: '00000000000000ff',
};

const ALL: readonly AuditRecord[] = [
  REQUEST,
  { ...REQUEST, outcome: 'begin', status: 0 },
  { ...REQUEST, outcome: 'denial', status: 403, code: 'route_closed', route: undefined, path: '/metrics' },
  {
    kind: 'change',
    timeMs: 1,
    actor: { id: 'key:Ab12Cd', tenant: 'acme', address: '192.0.2.1' },
    resource: 'api-keys',
    id: 'Ef34Gh',
    tenant: 'acme',
    operation: 'revoke',
    before: { state: 'active' },
    after: { state: 'revoked' },
  },
  {
    kind: 'sign-in',
    timeMs: 1,
    isGood: false,
    method: 'password',
    user: undefined,
    requestId: 'id-2',
    tenant: undefined,
    address: '192.0.2.1',
  },
  {
    kind: 'token',
    timeMs: 1,
    activity: 'reuse',
    grantType: 'refresh_token',
    clientId: 'cli',
    subject: 'alice@example.com',
    grantId: 'g',
    tenant: 'acme',
    scopes: ['inference:chat'],
    requestId: 'id-3',
    address: '192.0.2.1',
  },
  { kind: 'lifecycle', timeMs: 1, activity: 'start', detail: { version: '0.1.0' } },
  { kind: 'hold', timeMs: 1, activity: 'ban', subject: '192.0.2.1', tenant: undefined, reason: 'scan', untilMs: 5 },
  {
    ...{
      kind: 'change',
      timeMs: 1,
      actor: { id: 'command', tenant: undefined, address: undefined },
      tenant: undefined,
    },
    ...{ resource: 'quarantine', id: 'subject:https://issuer.example bob@example.com', operation: 'hold' },
    before: undefined,
    after: { id: 'subject:https://issuer.example bob@example.com', rule: 'operator', state: 'held' },
  },
  {
    ...{ kind: 'hold', timeMs: 1, activity: 'quarantine', subject: 'subject:https://issuer.example alice@example.com' },
    ...{ tenant: 'acme', reason: 'stolen-key', untilMs: undefined, from: 'node-1:8443' },
  },
  {
    kind: 'finding',
    timeMs: 1,
    rule: 'stolen-key',
    subject: 'network:192.0.2.1',
    tenant: 'acme',
    score: 0.95,
    why: '41 requests a minute',
    requestId: 'id-1',
  },
];

for (const record of ALL) {
  test(`a ${record.kind} becomes an event that OCSF can read, metadata first, in one line, without a person in it`, () => {
    const text = written(record);
    assert.match(text, /^\{"metadata":\{"version":"1\.8\.0",[^\n]*\}$/);
    for (const person of ['alice', 'bob', '192.0.2.1']) assert.ok(!text.includes(person), text);
    const { metadata, type_uid: typeUid, class_uid: classUid, ...rest } = eventOf(record);
    assert.equal(rest['category_uid'], Math.floor(classUid / 1000));
    assert.equal(typeUid, classUid * 100 + Number(rest['activity_id']));
    assert.deepEqual(metadata['product'], { name: 'sallyport', vendor_name: 'sallyport', version: '0.1.0' });
    for (const name of ['time', 'severity_id', 'status_id']) assert.equal(typeof rest[name], 'number', name);
    assert.ok(!text.includes('null'), text);
  });
}

test('a request is an API activity with its model, its tokens and the names of who asked', () => {
  const event = eventOf(REQUEST) as unknown as {
    metadata: { uid: string; profiles: string[] };
    actor: { user: { uid: string }; app_uid: string };
    message_context: unknown;
    src_endpoint: { uid: string };
  };
  assert.equal(event.metadata.uid, 'id-1');
  assert.deepEqual(event.metadata.profiles, ['ai_operation']);
  assert.equal(names.reveal('acme', 'person', event.actor.user.uid), 'alice@example.com');
  assert.equal(names.reveal('acme', 'address', event.src_endpoint.uid), '192.0.2.1');
  assert.equal(event.actor.app_uid, 'cli');
  assert.deepEqual(event.message_context, { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 });
});

test('what is refused, and a refresh token that was used twice, are failures', () => {
  const [, , denial, , , reuse] = ALL.map((record) => eventOf(record));
  assert.equal(denial?.['status_id'], 2);
  assert.equal(denial?.['status_code'], 'route_closed');
  assert.equal(reuse?.['status_id'], 2);
  assert.ok(Number(reuse?.['severity_id']) >= 4);
});

test('what is kept of the content of a request stands beside it, and nothing where nothing is', () => {
  const kept = {
    content: 'full',
    promptHash: 'c1.p',
    completionHash: 'c1.c',
    promptBytes: 3,
    completionBytes: 4,
  } as const;
  const { unmapped } = eventOf({ ...REQUEST, ...kept, isContentCut: true }) as unknown as { unmapped: object };
  const without = eventOf(REQUEST) as unknown as { unmapped: object };
  assert.deepEqual(unmapped, {
    ...without.unmapped,
    content: 'full',
    prompt_hash: 'c1.p',
    prompt_bytes: 3,
    completion_hash: 'c1.c',
    completion_bytes: 4,
    content_cut: true,
  });
  assert.ok(!JSON.stringify(without).includes('content'));
});
