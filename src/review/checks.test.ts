import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiKeyRecord, ClientRecord } from '../directory/records.ts';
import { checks } from './checks/index.ts';
import type { ReviewFacts } from './facts.ts';

const NOW_MS = Date.UTC(2030, 5, 1);
const DAY_MS = 86_400_000;
const ago = (days: number): number => NOW_MS - days * DAY_MS;

const keyRecord: ApiKeyRecord = {
  ...{ id: 'Ab12Cd', name: 'team', tenant: 'default', digest: new Uint8Array(32), previous: undefined },
  ...{ scopes: ['inference:chat'], models: ['tiny'], allowIp: [], denyIp: [], limits: {}, grants: [], caps: {} },
  ...{ onBehalfOf: undefined, owner: undefined, roles: [], groups: [], isImported: false, createdAtMs: ago(364) },
  ...{ expiresAtMs: NOW_MS + DAY_MS, state: 'active', version: 1 },
};
const clientRecord: ClientRecord = {
  ...{ id: 'c_1', name: 'nightly', tenant: 'default', grants: ['client_credentials'], scopes: ['inference:chat'] },
  ...{ models: ['tiny'], groups: [], redirectUris: ['https://app.example/cb', 'http://127.0.0.1/cb'] },
  ...{ authMethod: 'private_key_jwt', secretDigest: undefined, previousSecret: undefined, jwks: { keys: [] } },
  ...{ certificateName: undefined, limits: {}, accessTokenTtlMs: undefined, isDpopRequired: false },
  ...{ isParRequired: false, createdAtMs: ago(364), state: 'active', version: 1 },
};

/** An installation of which no check finds anything; each bound is met by a day. */
const good: ReviewFacts = {
  nowMs: NOW_MS,
  settings: {
    issuers: [{ issuer: 'https://login.example', algorithms: ['ES256'], acceptedTypes: ['at+jwt'] }],
    knownAlgorithms: ['ES256', 'EdDSA'],
    ...{ publicUrl: 'https://llm.example', tlsMode: 'files', adminHost: '127.0.0.1', requireSecondFactor: 'admins' },
    ...{ isAuditLogOn: true, anomalyMode: 'observe' },
    upstreams: [
      { name: 'here', url: 'http://127.0.0.1:8000', hasApiKey: false },
      { name: 'there', url: 'https://gpu:8000', hasApiKey: true },
    ],
  },
  keys: [
    { record: keyRecord, scopes: keyRecord.scopes, lastUseMs: ago(89), unused: [], isLimited: true },
    {
      record: {
        ...keyRecord,
        id: 'Admin1',
        scopes: ['admin:write'],
        expiresAtMs: undefined,
        allowIp: ['192.0.2.1/32'],
      },
      ...{ scopes: ['admin:write'], lastUseMs: ago(1), unused: [], isLimited: true },
    },
  ],
  clients: [{ record: clientRecord, scopes: clientRecord.scopes, lastUseMs: ago(89), unused: [] }],
  people: [
    {
      ...{ id: 'u_1', tenant: 'default', scopes: ['admin:write'], state: 'active', hasSecondFactor: true },
      ...{ createdAtMs: ago(400), lastSignInAtMs: ago(89) },
    },
  ],
  consents: [
    {
      ...{ id: 'g1', user: 'u_1', client: 'c_1', scopes: ['inference:chat'], createdAtMs: ago(90) },
      ...{ clientState: 'active', lastUseMs: ago(29) },
    },
  ],
  signingKeys: [{ kid: 'k1', isCurrent: true, createdAtMs: ago(179) }],
  held: [{ id: 'key:Ab12Cd', rule: 'stolen-key', heldAtMs: ago(6) }],
};

const key = (worse: Partial<ApiKeyRecord>, facts: object = {}): ReviewFacts => ({
  ...good,
  keys: good.keys.map((one, i) => (i === 0 ? { ...one, record: { ...one.record, ...worse }, ...facts } : one)),
});
const adminKey = (worse: Partial<ApiKeyRecord>): ReviewFacts => ({
  ...good,
  keys: good.keys.map((one, i) => (i === 1 ? { ...one, record: { ...one.record, ...worse } } : one)),
});
const client = (worse: Partial<ClientRecord>, facts: object = {}): ReviewFacts => ({
  ...good,
  clients: good.clients.map((one) => ({ ...one, record: { ...one.record, ...worse }, ...facts })),
});
const person = (worse: object): ReviewFacts => ({ ...good, people: good.people.map((one) => ({ ...one, ...worse })) });
const consent = (worse: object): ReviewFacts => ({
  ...good,
  consents: good.consents.map((one) => ({ ...one, ...worse })),
});
const settings = (worse: object): ReviewFacts => ({ ...good, settings: { ...good.settings, ...worse } });
const issuer = (worse: object): ReviewFacts =>
  settings({ issuers: good.settings.issuers.map((one) => ({ ...one, ...worse })) });

/** What is made worse, and which check alone finds it. */
const WORSE: readonly (readonly [id: string, what: string, facts: ReviewFacts])[] = [
  ['key-without-expiry', 'a key never expires', key({ expiresAtMs: undefined })],
  ['admin-key-unrestricted', 'a key that administers has neither end nor network', adminKey({ allowIp: [] })],
  ['key-without-limit', 'no limit is in force for a key', key({}, { isLimited: false })],
  ['key-unused', 'a key was last used 90 days ago', key({}, { lastUseMs: ago(90) })],
  ['key-unused', 'a key of 90 days was never used', key({ createdAtMs: ago(90) }, { lastUseMs: undefined })],
  [
    'scope-unused',
    'a key that is in use never used a scope',
    key({}, { lastUseMs: ago(1), unused: ['inference:audio'] }),
  ],
  ['scope-unused', 'a client never used a model', client({}, { lastUseMs: ago(1), unused: ['model:large'] })],
  ['key-old', 'a key of a year has its first value', key({ createdAtMs: ago(365) })],
  ['key-imported', 'a key has a value of before', key({ isImported: true })],
  [
    'rotation-open',
    'an old value is accepted for another week',
    key({ previous: { digest: new Uint8Array(32), untilMs: NOW_MS + 7 * DAY_MS } }),
  ],
  [
    'rotation-open',
    'an old secret is accepted for another week',
    client({ previousSecret: { digest: new Uint8Array(32), untilMs: NOW_MS + 7 * DAY_MS } }),
  ],
  ['client-dormant', 'a client was last used 90 days ago', client({}, { lastUseMs: ago(90) })],
  ['redirect-over-http', 'codes go over plain http', client({ redirectUris: ['http://app.example/cb'] })],
  ['client-shared-secret', 'a client has a secret', client({ authMethod: 'client_secret_basic' })],
  ['public-client-unbound', 'tokens of a public client are bound to nothing', client({ authMethod: 'none' })],
  ['consent-to-ended-client', 'the client of a consent is gone', consent({ clientState: 'gone' })],
  ['consent-to-ended-client', 'the client of a consent is revoked', consent({ clientState: 'revoked' })],
  ['consent-outlived', 'a consent was not used for 30 days', consent({ lastUseMs: ago(30) })],
  ['admin-without-second-factor', 'an administrator has a password alone', person({ hasSecondFactor: false })],
  ['second-factor-not-required', 'nobody is asked for one', settings({ requireSecondFactor: 'none' })],
  ['person-dormant', 'somebody has not signed in for 90 days', person({ lastSignInAtMs: ago(90) })],
  [
    'held-undecided',
    'a credential has been held for a week',
    { ...good, held: good.held.map((one) => ({ ...one, heldAtMs: ago(7) })) },
  ],
  ['issuer-algorithms', 'an issuer may sign with anything', issuer({ algorithms: ['EdDSA', 'ES256'] })],
  ['issuer-types', 'tokens need no type', issuer({ acceptedTypes: ['at+jwt', 'absent'] })],
  ['issuer-over-http', 'keys come over plain http', issuer({ issuer: 'http://localhost:8080' })],
  [
    'signing-key-old',
    'a key signs for half a year',
    { ...good, signingKeys: good.signingKeys.map((one) => ({ ...one, createdAtMs: ago(180) })) },
  ],
  ['nothing-recorded', 'there is no audit log', settings({ isAuditLogOn: false })],
  ['nothing-recorded', 'nobody looks', settings({ anomalyMode: 'off' })],
  ['open-listeners', 'the admin listener is everywhere', settings({ adminHost: '0.0.0.0' })],
  ['open-listeners', 'there is no TLS', settings({ tlsMode: 'off', publicUrl: 'http://llm.example' })],
  [
    'upstream-without-key',
    'an upstream elsewhere has no key',
    settings({ upstreams: [{ name: 'there', url: 'https://gpu:8000', hasApiKey: false }] }),
  ],
  [
    'upstream-without-key',
    'an upstream elsewhere has no TLS',
    settings({ upstreams: [{ name: 'there', url: 'http://gpu:8000', hasApiKey: true }] }),
  ],
];

const findingsOf = (facts: ReviewFacts) => checks.flatMap((check) => check.run(facts).map(() => check.id));

test('of a good installation no check finds anything', () => assert.deepEqual(findingsOf(good), []));

for (const [id, what, facts] of WORSE) {
  test(`${id} alone finds that ${what}`, () => {
    assert.deepEqual(findingsOf(facts), [id]);
    for (const one of checks.find((check) => check.id === id)?.run(facts) ?? []) {
      assert.match(one.subject, /^[a-z-]+\/.+/);
      assert.ok(one.evidence.length > 0 && one.what.endsWith('.'), one.what);
    }
  });
}

test('every check has something that it finds, and an id of its own', () => {
  assert.deepEqual(
    checks.map(({ id }) => id).filter((id) => !WORSE.some(([worse]) => worse === id)),
    [],
  );
  assert.equal(new Set(checks.map(({ id }) => id)).size, checks.length);
});

test('who administers with a second factor elsewhere is not said to have none', () => {
  assert.deepEqual(findingsOf(person({ hasSecondFactor: undefined })), []);
});
