import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord, RequestRecord } from '../kernel/record.ts';
import type { ReasonCode } from '../kernel/reasons.ts';
import { createDetector, type Finding } from './detector.ts';
import {
  createStory,
  DAY,
  ELSEWHERE,
  HOUR,
  KEY,
  MINUTE,
  MONDAY_MS,
  OFFICE,
  requestRecord,
  SECOND,
  type Story,
} from './story.fixture.ts';

const thief = { network: ELSEWHERE, userAgent: 'python-requests/2.31' };
function theft(story: Story): void {
  story.row(40, 5 * SECOND, () => thief);
}
function learned(): Story {
  const story = createStory();
  story.days(10);
  story.pass(10 * HOUR);
  return story;
}
const told = ({ findings }: Story) => findings.map(({ record, wish }) => `${record.rule} ${record.subject} ${wish}`);

test('a month of one caller who works as ever is told nothing of', () => {
  const story = createStory();
  story.days(30);
  assert.deepEqual(told(story), []);
});

test('a stolen key is told once, and once more when it should be held', () => {
  const story = learned();
  theft(story);
  assert.deepEqual(told(story), [`stolen-key ${KEY} tell`, `stolen-key ${KEY} hold`]);
  const [first] = story.findings;
  assert.equal(first?.severity, 'high');
  assert.equal(first?.record.tenant, 'team');
  assert.match(first?.record.why ?? '', /^used from network 203\.0, new for \d+ min: /);
  assert.match(first?.record.why ?? '', /requests in 5 minutes where \S+ are usual on a Thursday at 10:00 UTC/);
});

test('what goes on is not told again, and what comes back after an hour of rest is', () => {
  const scan = (story: Story) =>
    story.row(30, 10 * SECOND, (i) => ({ code: 'unknown_route', status: 404, route: undefined, path: `/${i}` }));
  const story = createStory();
  for (let i = 0; i < 12; i++) scan(story);
  assert.deepEqual(told(story), [`route-scan ${KEY} tell`]);
  story.pass(50 * MINUTE);
  scan(story);
  assert.equal(story.findings.length, 1);
  story.pass(2 * HOUR);
  scan(story);
  assert.equal(story.findings.length, 2);
});

test('of one credential nothing that is no worse is told within the hour', () => {
  const story = learned();
  story.row(30, 5 * SECOND, (i) => ({ code: 'unknown_route', status: 404, route: undefined, path: `/${i}` }));
  story.row(30, 5 * SECOND, () => ({ logprobs: 5 }));
  assert.deepEqual(told(story), [`route-scan ${KEY} tell`]);
  theft(story);
  assert.deepEqual(told(story).slice(1), [`stolen-key ${KEY} hold`]);
});

const byHand: AuditRecord = {
  ...{ kind: 'change', timeMs: 0, resource: 'quarantine', id: KEY, operation: 'release', tenant: undefined },
  ...{ actor: { id: 'command', tenant: undefined, address: undefined }, before: { state: 'held' } },
  after: { state: 'released' },
};
const elsewhere: AuditRecord = {
  ...{ kind: 'hold', timeMs: 0, activity: 'release', subject: KEY, tenant: 'team', reason: 'stolen-key' },
  ...{ untilMs: undefined, from: 'node-1:8443' },
};
for (const [where, released] of [
  ['here', byHand],
  ['on another instance', elsewhere],
] as const)
  test(`where an operator has released a credential ${where}, what it was held for is familiar`, () => {
    const story = learned();
    theft(story);
    story.hear({ ...released, timeMs: story.nowMs() });
    story.pass(90 * MINUTE);
    const before = story.findings.length;
    story.row(20, 20 * SECOND, (i) => (i % 2 === 0 ? thief : {}));
    assert.deepEqual(told(story).slice(before), []);
  });

test('a caller who is held already is not counted', () => {
  const story = learned();
  // The code comes with quarantine; a record may have it before this build knows it.
  const code = 'quarantined' as string as ReasonCode;
  story.row(60, 4 * SECOND, () => ({ ...thief, code, status: 403 }));
  assert.deepEqual(told(story), []);
});

test('each clock leap is told once and makes nobody suspicious', () => {
  for (const leapMs of [30 * DAY, -30 * DAY, 3 * HOUR]) {
    const story = learned();
    const timeMs = story.nowMs() + leapMs;
    for (let i = 0; i < 30; i++) story.ask({ timeMs: timeMs + i * MINUTE });
    assert.deepEqual(told(story), ['clock-leap gateway tell'], String(leapMs));
  }
});

test('time that passed while the gateway was off makes no key dormant, and what was learned is kept', () => {
  const before = learned();
  const bytes = before.detector.snapshot();
  assert.ok(bytes.length < 10_000, String(bytes.length));
  const detector = createDetector();
  assert.ok(detector.restore(bytes));
  assert.deepEqual(detector.sizes(), { credentials: 1, groups: 1, networks: 0 });
  const findings: Finding[] = [];
  const startMs = before.nowMs() + 40 * DAY;
  for (let i = 0; i < 40; i++) {
    const said = { timeMs: startMs + i * 5 * SECOND, keyId: 'Ab12cd', tenant: 'team', promptTokens: 900 };
    findings.push(...detector.hear(requestRecord({ ...said, ...thief })));
  }
  assert.deepEqual(
    findings.map(({ record, wish }) => `${record.rule} ${wish}`),
    ['stolen-key tell', 'stolen-key hold'],
  );
});

test('a snapshot that is torn, foreign or changed in any byte is left aside', () => {
  const bytes = learned().detector.snapshot();
  for (const bad of [bytes.slice(0, -1), bytes.slice(0, 10), new Uint8Array(), Buffer.from('{}')]) {
    assert.equal(createDetector().restore(bad), false);
  }
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bad = Uint8Array.from(bytes);
      bad[at] = (bad[at] ?? 0) ^ flip;
      const detector = createDetector();
      assert.equal(detector.restore(bad), false);
      assert.equal(detector.sizes().credentials, 0);
    }),
  );
});

const CODES: readonly (ReasonCode | undefined)[] = [
  undefined,
  ...(['invalid_credential', 'missing_credential', 'expired_credential', 'revoked_credential'] as const),
  ...(['ambiguous_credential', 'too_many_failures', 'ip_denied', 'unknown_route', 'prompt_denied'] as const),
  ...(['advisory_blocked', 'rate_limited', 'insufficient_scope', 'upstream_error'] as const),
];
const UNPROVEN = new Set(CODES.slice(1, 8));

/** Any request; `isProven` leaves out or keeps to refusals before anybody was known. */
const anyRequest = (isProven: boolean): fc.Arbitrary<Partial<RequestRecord>> =>
  fc.record({
    code: fc.constantFrom(...CODES.filter((code) => isProven || UNPROVEN.has(code))),
    status: isProven ? fc.constantFrom(200, 400, 403, 404, 429, 502) : fc.constant(401),
    keyId: fc.constantFrom('Ab12cd', 'Cd34ef', undefined),
    issuer: fc.constantFrom('https://issuer.example.org', undefined),
    subject: fc.constantFrom('ada', undefined),
    tenant: fc.constantFrom('team', 'other', undefined),
    network: fc.constantFrom(OFFICE, ELSEWHERE, '10.0.0.1', '2001:db8:1:2::/64', ''),
    userAgent: fc.constantFrom('curl/8', 'OpenAI/Python 1.2.3', '', undefined),
    path: fc.constantFrom('', '/a', '/b', '/c/d'),
    route: fc.constantFrom('chat-completions', undefined),
    model: fc.constantFrom('tiny', 'large', undefined),
    outcome: fc.constantFrom('answer', 'denial', 'cut', 'abort', 'fault'),
    promptTokens: fc.constantFrom(undefined, 0, 1, 900, 1e6, Number.MAX_SAFE_INTEGER),
    completionTokens: fc.constantFrom(undefined, 0, 1, 200, 1e6),
    logprobs: fc.constantFrom(undefined, 0, 5),
    likeness: fc.constantFrom(undefined, '0123456789abcdef', '0123456789abcdee', 'ffffffffffffffff', 'xyz'),
  });

test('nobody without a valid credential can have anybody held, whatever they send and from wherever', () => {
  const attack = fc.tuple(anyRequest(false), fc.integer({ min: 0, max: 30 * SECOND }));
  fc.assert(
    fc.property(fc.array(attack, { maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (steps, times) => {
      const story = createStory();
      story.days(4);
      story.pass(10 * HOUR);
      const before = story.detector.sizes();
      const attacks = Array.from({ length: times }, () => steps).flat();
      for (const [said, passMs] of attacks) {
        story.ask(said);
        story.pass(passMs);
      }
      assert.ok(story.findings.every(({ wish, record }) => wish === 'tell' && !record.subject.startsWith('key:')));
      assert.equal(story.detector.sizes().credentials, before.credentials);
    }),
    { numRuns: 30 },
  );
});

test('a key of one tenant can have no key of another tenant held, nor one of its own tenant but itself', () => {
  const story = createStory();
  story.days(10);
  story.pass(10 * HOUR);
  const others = ['team', 'other'] as const;
  story.row(2_000, SECOND, (i) => ({
    ...thief,
    keyId: `Evil${i % 3}`,
    tenant: others[i % 2],
    network: `203.0.113.${i % 9}`,
  }));
  assert.ok(
    story.findings.every(({ record }) => record.subject !== KEY),
    told(story).join(),
  );
});

test('whatever is recorded, scores and words are whole, memory is bounded, and a replay finds the same', () => {
  const step = fc.tuple(anyRequest(true), fc.integer({ min: -20 * MINUTE, max: 3 * DAY }), fc.nat(40));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const options = { maxCredentials: 3, maxGroups: 4, maxNetworks: 5 };
      const records: AuditRecord[] = [];
      let timeMs = MONDAY_MS;
      for (const [said, passMs, repeats] of steps) {
        timeMs = Math.max(0, timeMs + passMs);
        for (let i = 0; i <= repeats; i++) {
          records.push(
            requestRecord({
              network: OFFICE,
              ...said,
              keyId: said.keyId && `${said.keyId}${i % 5}`,
              timeMs: (timeMs += SECOND),
            }),
          );
        }
      }
      const [one, other] = [createDetector(options), createDetector(options)];
      const findings = records.flatMap((record) => one.hear(record));
      assert.deepEqual(
        records.flatMap((record) => other.hear(record)),
        findings,
      );
      for (const { record } of findings) {
        assert.ok(record.score >= 0 && record.score <= 1, JSON.stringify(record));
        assert.doesNotMatch(record.why, /NaN|Infinity|undefined/);
      }
      const { credentials, groups, networks } = one.sizes();
      assert.ok(credentials <= 3 && groups <= 4 && networks <= 5);
      assert.deepEqual(Buffer.from(one.snapshot()), Buffer.from(other.snapshot()));
    }),
    { numRuns: 60 },
  );
});

test('a request that is recorded twice, when it begins and when it ends, counts once', () => {
  const of = (isStrict: boolean) => {
    const story = learned();
    story.row(60, 5 * SECOND, (i) => (isStrict && i % 2 === 0 ? { outcome: 'begin', ...thief } : thief));
    return told(story);
  };
  const strict = learned();
  strict.row(30, 10 * SECOND, () => thief);
  assert.deepEqual(of(true), told(strict));
});

test('addresses without number displace each other and nothing else', () => {
  const story = createStory({ maxNetworks: 100 });
  story.days(4);
  story.row(5_000, 0, (i) => ({
    network: `2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::/64`,
    keyId: undefined,
    tenant: undefined,
    code: 'invalid_credential',
    status: 401,
    path: '/v1/models',
  }));
  assert.deepEqual(story.detector.sizes(), { credentials: 1, groups: 2, networks: 100 });
});

test('a name as long as a head allows is not kept', () => {
  const story = createStory();
  const long = 'x'.repeat(10_000);
  story.row(20, SECOND, () => ({
    keyId: undefined,
    issuer: 'https://issuer.example.org',
    subject: long,
    tenant: long,
    clientId: long,
  }));
  assert.deepEqual(story.detector.sizes(), { credentials: 0, groups: 0, networks: 0 });
});
