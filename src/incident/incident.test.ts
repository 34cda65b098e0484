import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryOf, type AuditQuestion } from '../audit-log/entry.ts';
import { createOcsf } from '../audit-log/ocsf.ts';
import type { AuditRecord, RequestRecord } from '../kernel/record.ts';
import { incidentHtml } from './html.ts';
import { gatherIncident } from './incident.ts';
import { subjectOf } from './subject.ts';
import { incidentText } from './text.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2030, 0, 1);

const request = (worse: Partial<RequestRecord>): RequestRecord => ({
  ...{ kind: 'request', timeMs: START_MS, requestId: 'r-1', durationMs: 10, firstByteMs: 5, outcome: 'answer' },
  ...{
    status: 200,
    code: undefined,
    why: undefined,
    address: '192.0.2.1',
    network: '192.0.2.1',
    userAgent: 'openai/2',
  },
  ...{ keyId: 'Ab12Cd', issuer: undefined, subject: undefined, clientId: undefined, tokenHash: undefined },
  ...{ tenant: 'acme', owner: undefined, member: undefined, method: 'POST', route: 'chat-completions', path: '' },
  ...{ model: 'tiny', upstream: 'main', isStream: false, promptTokens: 10, cachedTokens: 0, completionTokens: 5 },
  ...{ logprobs: undefined, likeness: undefined },
  ...worse,
});

/** A log in memory, asked as the real one is. */
function logOf(records: readonly AuditRecord[]) {
  const textOf = createOcsf('1.0.0', {
    hide: (_tenant, _kind, value) => value,
    reveal: () => undefined,
    forget: () => undefined,
  });
  const lines = records.map((record, i) => textOf(record).replace('"metadata":{', `"metadata":{"sequence":${i},`));
  return ({ limit, before = Infinity, credential, address, request: id, kind }: AuditQuestion) => {
    const found = lines.toReversed().filter((line) => {
      const entry = entryOf(line);
      if (entry === undefined || entry.sequence >= before) return false;
      if (kind !== undefined && entry.kind !== kind) return false;
      if (id !== undefined) return entry.request === id;
      if (address !== undefined) return entry.address === address;
      return [entry.credential, entry.object, entry.object?.replace('api-keys/', 'key:')].includes(credential);
    });
    const shown = found.slice(0, limit);
    return { records: shown, next: found.length > limit ? entryOf(shown.at(-1) ?? '')?.sequence : undefined };
  };
}

const THEFT: readonly AuditRecord[] = [
  {
    ...{ kind: 'change', timeMs: START_MS - DAY_MS, resource: 'api-keys', id: 'Ab12Cd', tenant: 'acme' },
    ...{ actor: { id: 'command', tenant: undefined, address: undefined }, operation: 'create', before: undefined },
    after: { name: 'team', scopes: ['inference:chat'] },
  },
  request({}),
  request({ requestId: '8f5be670-9f57-4221-891a-60166421f964', timeMs: START_MS + DAY_MS, address: '203.0.113.9' }),
  ...Array.from({ length: 12 }, (_, i) =>
    request({
      ...{ timeMs: START_MS + DAY_MS + i * 1_000, address: '203.0.113.9', userAgent: 'curl/8' },
      ...{ outcome: 'denial', status: 403, code: 'model_not_allowed', promptTokens: undefined },
    }),
  ),
  request({ timeMs: START_MS + DAY_MS, address: '203.0.113.9', keyId: 'Zz99Zz', tenant: 'other' }),
  request({ timeMs: START_MS + DAY_MS, address: '198.51.100.1', keyId: 'Yy88Yy', tenant: 'other' }),
  {
    ...{
      kind: 'finding',
      timeMs: START_MS + DAY_MS + 20_000,
      rule: 'stolen-key',
      subject: 'key:Ab12Cd',
      tenant: 'acme',
    },
    ...{ score: 0.95, why: '12 requests a minute where 1 is usual', requestId: undefined },
  },
];

test('of a key the time line, what was touched, from where, and who else was there are told', () => {
  const found = gatherIncident(subjectOf('Ab12Cd'), {}, logOf(THEFT));
  assert.deepEqual(found.totals, {
    ...{ requests: 14, answered: 2, denied: 12, broken: 0, promptTokens: 20, completionTokens: 70 },
  });
  assert.deepEqual(
    found.addresses.map(({ name, count }) => [name, count]),
    [
      ['203.0.113.9', 13],
      ['192.0.2.1', 1],
    ],
  );
  assert.deepEqual(
    found.related.map(({ credential, addresses }) => [credential, addresses]),
    [['key:Zz99Zz', ['203.0.113.9']]],
  );
  assert.deepEqual(
    found.timeLine.map(({ what }) => what),
    [
      'create api-keys/Ab12Cd by command',
      'first request with address 192.0.2.1, program openai/2, model tiny, credential key:Ab12Cd',
      'first request with address 203.0.113.9',
      '12 requests refused with model_not_allowed within the hour',
      'first request with program curl/8',
      'last request: deny model_not_allowed',
      'found: stolen-key (key:Ab12Cd): 12 requests a minute where 1 is usual',
    ],
  );
  assert.deepEqual(found.known, { name: 'team', scopes: ['inference:chat'] });
  assert.deepEqual(
    found.actions.slice(0, 2).map(({ command }) => command),
    ['sallyport quarantine hold Ab12Cd', 'sallyport keys revoke Ab12Cd'],
  );
});

test('a request leads to what its credential did', () => {
  const found = gatherIncident(subjectOf('8F5BE670-9f57-4221-891a-60166421f964'), {}, logOf(THEFT));
  assert.deepEqual([found.credential, found.totals.requests], ['key:Ab12Cd', 14]);
  assert.ok(found.actions.some(({ command }) => command === 'sallyport keys revoke Ab12Cd'));
});

test('a record that stands for many requests counts as many', () => {
  const flood = { outcome: 'denial', status: 429, code: 'rate_limited', promptTokens: undefined } as const;
  const found = gatherIncident(subjectOf('Ab12Cd'), {}, logOf([request(flood), request({ ...flood, count: 500 })]));
  assert.deepEqual([found.totals.requests, found.totals.denied, found.slots[0]?.denied], [501, 501, 501]);
  assert.deepEqual(
    [...found.addresses, ...found.refusals].map(({ count }) => count),
    [501, 501],
  );
  assert.ok(
    found.timeLine.some(({ what }) => what.startsWith('501 requests refused')),
    JSON.stringify(found.timeLine),
  );
});

test('of a subject its own tokens are none that are related to it', () => {
  const subject = 'subject:https://login.example bob';
  const token = { keyId: undefined, issuer: 'https://login.example', subject: 'bob' };
  const log = [1, 2].map((n) => request({ ...token, tokenHash: `hash${n}` })).concat(request({ keyId: 'Zz99Zz' }));
  const ask = logOf(log);
  const found = gatherIncident(subjectOf(subject), {}, (question) =>
    question.credential === subject
      ? { ...ask({ ...question, credential: undefined, address: '192.0.2.1' }), next: undefined }
      : ask(question),
  );
  assert.deepEqual(found.related, []);
});

test('of an address all its credentials are told', () => {
  const found = gatherIncident(subjectOf('203.0.113.9'), {}, logOf(THEFT));
  assert.deepEqual(
    found.credentials.map(({ name, count }) => [name, count]),
    [
      ['key:Ab12Cd', 13],
      ['key:Zz99Zz', 1],
    ],
  );
  assert.equal(found.actions[0]?.command, 'sallyport bans add 203.0.113.9 --for 24h');
});

for (const [word, kind, id] of [
  ['Ab12Cd', 'key', 'Ab12Cd'],
  ['key:Ab12Cd', 'key', 'Ab12Cd'],
  ['sp_Ab12Cd_secret', 'key', 'Ab12Cd'],
  ['::ffff:192.0.2.1', 'address', '192.0.2.1'],
  ['network:2001:db8::', 'address', '2001:db8::'],
  ['tenant:acme', 'tenant', 'acme'],
  ['8f5be670-9f57-4221-891a-60166421f964', 'request', '8f5be670-9f57-4221-891a-60166421f964'],
  ['t_abc', 'credential', 't_abc'],
] as const) {
  test(`${word} is a ${kind}`, () => assert.deepEqual(subjectOf(word), { kind, id }));
}

test('a log that knows nothing of it says so', () => {
  const found = gatherIncident(subjectOf('Nobody'), {}, logOf(THEFT));
  assert.equal(found.records, 0);
  assert.match(
    incidentText(found, () => ''),
    /^The audit log knows nothing of key Nobody/,
  );
  assert.match(incidentHtml(found, 0), /Nothing is recorded/);
});

test('what callers have sent is text in the report and the terminal, whatever it is', () => {
  const evil = '</td><script>alert(1)</script>\u001b[2J\u202e"\'';
  const found = gatherIncident(
    subjectOf('Ab12Cd'),
    {},
    logOf([
      request({ userAgent: evil, model: evil, address: evil }),
      request({ code: 'invalid_request', outcome: 'denial' }),
    ]),
  );
  const html = incidentHtml(found, 0);
  assert.doesNotMatch(html, /<script|\p{Cf}|(?![\n])\p{Cc}/u);
  assert.match(html, /&lt;script&gt;/);
  assert.match(html, /default-src 'none'/);
  assert.doesNotMatch(
    incidentText(found, (rows) => rows.map((row) => row.join(' ')).join('\n')),
    /\p{Cf}|(?![\n])\p{Cc}/u,
  );
});

test('where there are too many records the newest are told, and that there are more', () => {
  const log = logOf([request({})]);
  const endless = (question: AuditQuestion) => ({ ...log(question), next: 1 });
  const many = (question: AuditQuestion) => ({
    records: Array.from({ length: question.limit }, () => endless(question).records[0] ?? ''),
    next: 5,
  });
  assert.equal(
    gatherIncident(subjectOf('Ab12Cd'), {}, (question) => many({ ...question, before: undefined })).isWhole,
    false,
  );
});
