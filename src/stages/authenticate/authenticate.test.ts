import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { exchange, fakeDownstream, NO_RECORDS } from '../../../test/support/exchange.ts';
import { createCounterMemory, createSharedCounters } from '../../adapters/memory/counters.ts';
import { createCredentials } from '../../directory/credentials.ts';
import { defaultTenant, issueApiKey, plainWish, rotateApiKey, type ApiKeyWish } from '../../directory/issue.ts';
import type { ApiKeyRecord } from '../../directory/records.ts';
import { createCertificateMethod } from './methods/client-certificate.ts';
import { createApiKeyMethod } from './methods/api-key.ts';
import { createGate, type GateDeps } from './gate.ts';
import { createAuthenticate } from './stage.ts';

const HMAC = randomBytes(32);
const WISH: ApiKeyWish = { ...plainWish('test'), scopes: ['inference:chat'] };
const issuer = { hmacKey: HMAC, randomBytes: (count: number) => randomBytes(count), isTaken: () => false };

function setUp(wish: Partial<ApiKeyWish> = {}, told: Pick<GateDeps, 'onGood' | 'isHeld'> = {}) {
  const clock = settableClock();
  const { record, value } = issueApiKey({ ...WISH, ...wish }, issuer, clock.nowMs());
  const credentials = createCredentials({ ...NO_RECORDS, tenants: [defaultTenant(0)], apiKeys: [record] });
  const uses: string[] = [];
  let lookUps = 0;
  const method = createApiKeyMethod({
    find(id) {
      lookUps++;
      return credentials.find(id);
    },
    hmacKey: HMAC,
    clock,
    onUse: (id) => uses.push(id),
  });
  const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const stage = createAuthenticate({ failuresPerMinute: 3 }, { ...told, methods: [method], counters, clock });
  const change = (changed: Partial<ApiKeyRecord>) =>
    credentials.apply([{ kind: 'api-key', record: { ...record, ...changed, version: 2 }, expectedVersion: 1 }]);
  async function present(headers: Record<string, string>, address = '192.0.2.1'): Promise<string> {
    const x = exchange(fakeDownstream(), {
      head: { method: 'POST', path: '/', headers: new Map(Object.entries(headers)), hasBody: true, isUpgrade: false },
      peer: { address, network: address },
    });
    const denial = await stage.decide?.(x);
    return denial?.code ?? x.principal.id;
  }
  const bearer = (text: string, address?: string) => present({ authorization: `Bearer ${text}` }, address);
  return { clock, record, value, credentials, uses, change, present, bearer, lookUps: () => lookUps };
}

test('a key authenticates as its principal, in any of the ways to send it, again and again', async () => {
  const { value, record, present, uses } = setUp();
  const principal = `key:${record.id}`;
  for (const headers of [
    { authorization: `Bearer ${value}` },
    { authorization: `bearer ${value}` },
    { 'x-api-key': value },
    { authorization: `Bearer ${value}`, 'x-api-key': value },
  ]) {
    assert.equal(await present(headers), principal);
  }
  assert.equal(uses.length, 4);
});

test('other forms are not credentials', async () => {
  const { value, present } = setUp();
  assert.equal(await present({}), 'missing_credential');
  assert.equal(await present({ authorization: `Bearer  ${value}` }), 'invalid_credential');
  assert.equal(await present({ authorization: value }), 'invalid_credential');
  assert.equal(await present({ authorization: `Basic ${value}` }, '192.0.2.2'), 'invalid_credential');
  assert.equal(await present({ authorization: `Bearer ${value}`, 'x-api-key': `${value}x` }), 'ambiguous_credential');
  assert.equal(await present({ authorization: 'Basic x', 'x-api-key': value }), 'ambiguous_credential');
});

test('a wrong checksum is refused without a look-up; a right one with a wrong secret is refused all the same', async () => {
  const { value, bearer, lookUps, record } = setUp();
  assert.equal(await bearer(`${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}`), 'invalid_credential');
  assert.equal(lookUps(), 0);
  const other = issueApiKey(WISH, issuer, 0).value;
  assert.equal(await bearer(other), 'invalid_credential');
  const sameId = rotateApiKey(record, 0, issuer, 0).value;
  assert.equal(await bearer(sameId), 'invalid_credential');
  assert.equal(lookUps(), 2);
});

for (const state of ['revoked', 'disabled', 'deleted'] as const) {
  const code = state === 'deleted' ? 'invalid_credential' : 'revoked_credential';
  test(`a key that is ${state} is ${code}, also right after it was let in; said only to who has its secret`, async () => {
    const { value, bearer, change, record } = setUp();
    assert.equal(await bearer(value), `key:${record.id}`);
    change({ state });
    assert.equal(await bearer(value), code);
    assert.equal(await bearer(rotateApiKey(record, 0, issuer, 0).value), 'invalid_credential');
  });
}

test('a key expires at its time and not 1 ms before, also when it is known', async () => {
  const clock = settableClock();
  const { bearer, value, clock: own, record } = setUp({ expiresAtMs: clock.nowMs() + 10 });
  own.advance(9);
  assert.equal(await bearer(value), `key:${record.id}`);
  own.advance(1);
  assert.equal(await bearer(value), 'expired_credential');
});

test('after a rotation the old value lives as long as its overlap, the new one at once', async () => {
  const { bearer, value, clock, credentials, record } = setUp();
  assert.equal(await bearer(value), `key:${record.id}`);
  const rotated = rotateApiKey(record, 1_000, issuer, clock.nowMs());
  credentials.apply([{ kind: 'api-key', record: rotated.record, expectedVersion: 1 }]);
  assert.equal(await bearer(rotated.value), `key:${record.id}`);
  clock.advance(999);
  assert.equal(await bearer(value), `key:${record.id}`);
  clock.advance(1);
  assert.equal(await bearer(value), 'expired_credential');
  assert.equal(await bearer(rotated.value), `key:${record.id}`);
});

test('a key is bound to its addresses', async () => {
  const { bearer, value, record } = setUp({ allowIp: ['192.0.2.0/28', '2001:db8::/32'] });
  assert.equal(await bearer(value, '192.0.2.15'), `key:${record.id}`);
  assert.equal(await bearer(value, '192.0.2.16'), 'ip_denied');
  assert.equal(await bearer(value, '2001:db8::1'), `key:${record.id}`);
});

test('a certificate counts until its end and not 1 ms longer, also on a connection that began before', async () => {
  const { clock, record, credentials } = setUp();
  const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const byCertificate = createCertificateMethod([{ subject: 'agent', key: record.id }], {
    find: (id) => credentials.find(id),
    clock,
    onUse: () => undefined,
  });
  for (const isCertificateRequired of [false, true]) {
    const stage = createAuthenticate(
      { failuresPerMinute: 3, isCertificateRequired },
      { methods: [], byCertificate, counters, clock },
    );
    const certificate = { commonName: 'agent', names: [], notAfterMs: clock.nowMs() + 10, sha256: '', pem: '' };
    const code = async () => {
      const x = exchange(Object.assign(fakeDownstream(), { certificate }), {
        head: { method: 'POST', path: '/', headers: new Map(), hasBody: true, isUpgrade: false },
        peer: { address: '192.0.2.1', network: '192.0.2.1' },
      });
      return (await stage.decide?.(x))?.code ?? x.principal.id;
    };
    clock.advance(9);
    assert.equal(await code(), `key:${record.id}`);
    clock.advance(1);
    assert.equal(await code(), 'missing_credential');
  }
});

test('MT-01 a certificate that is over binds no token: methods do not see it any more', async () => {
  const { clock } = setUp();
  const seen: (string | undefined)[] = [];
  const gate = createGate(
    { failuresPerMinute: 'none' },
    {
      methods: [
        ({ certificate }) => {
          seen.push(certificate?.sha256);
          return undefined;
        },
      ],
      counters: createSharedCounters(createCounterMemory(64, 1, 's'), 0),
      clock,
    },
  );
  const ask = {
    authorization: 'Bearer abc',
    xApiKey: undefined,
    proof: undefined,
    method: 'POST',
    path: '/',
    peer: { address: '192.0.2.1', network: '192.0.2.1' },
    certificate: { commonName: 'a', names: [], notAfterMs: clock.nowMs() + 10, sha256: 'leaf', pem: '' },
  };
  clock.advance(9);
  await gate(ask);
  clock.advance(1);
  await gate(ask);
  assert.deepEqual(seen, ['leaf', undefined]);
});

test('a key whose tenant is disabled, or not known, is refused', async () => {
  const { bearer, value, credentials } = setUp();
  credentials.apply([
    { kind: 'tenant', record: { ...defaultTenant(0), isDisabled: true, version: 2 }, expectedVersion: 1 },
  ]);
  assert.equal(await bearer(value), 'revoked_credential');
  const stray = setUp({ tenant: 'nobody' });
  assert.equal(await stray.bearer(stray.value), 'revoked_credential');
});

test('an address over its failures gets 429 for further invalid credentials, others do not, and a valid one passes', async () => {
  const { bearer, value, record, clock, present } = setUp();
  for (let i = 0; i < 3; i++) assert.equal(await bearer('nonsense'), 'invalid_credential');
  assert.equal(await bearer('nonsense'), 'too_many_failures');
  assert.equal(await bearer('nonsense', '192.0.2.7'), 'invalid_credential');
  assert.equal(await present({}), 'missing_credential');
  assert.equal(await bearer(value), `key:${record.id}`);
  clock.advance(20_000);
  assert.equal(await bearer('nonsense'), 'invalid_credential');
});

test('a credential speaks for its address only where it is let in: a wrong, revoked, misplaced or held one does not', async () => {
  const good: string[] = [];
  let isHeld = false;
  const { value, change, bearer } = setUp(
    { allowIp: ['192.0.2.0/28'] },
    { onGood: (network) => good.push(network), isHeld: () => isHeld },
  );
  const goodAfter = async (text: string, address: string) => [await bearer(text, address), good.splice(0)];
  const id = await bearer(value, '192.0.2.1');
  assert.deepEqual(good.splice(0), ['192.0.2.1']);
  assert.deepEqual(await goodAfter('nonsense', '192.0.2.2'), ['invalid_credential', []]);
  assert.deepEqual(await goodAfter(value, '192.0.2.66'), ['ip_denied', []]);
  isHeld = true;
  assert.deepEqual(await goodAfter(value, '192.0.2.3'), ['quarantined', []]);
  isHeld = false;
  assert.deepEqual(await goodAfter(value, '192.0.2.3'), [id, ['192.0.2.3']]);
  change({ state: 'revoked' });
  assert.deepEqual(await goodAfter(value, '192.0.2.4'), ['revoked_credential', []]);
});

const SHOWN = {
  scheme: 'bearer',
  proof: undefined,
  method: 'POST',
  path: '/v1/chat/completions',
  peer: { address: '192.0.2.1', network: '192.0.2.1' },
  certificate: undefined,
} as const;

test('a key stops while the person that it belongs to has not signed in for ownerMaxAge, and goes on once they have', () => {
  const clock = settableClock();
  const day = 86_400_000;
  const madeMs = clock.nowMs();
  const { record, value } = issueApiKey({ ...WISH, owner: 'u_1' }, issuer, madeMs);
  const owner = { id: 'u_1', createdAtMs: madeMs } as const;
  const signedInAt = (lastSignInAtMs: number | undefined, state: 'active' | 'disabled' = 'active') => {
    const owners = [{ ...owner, lastSignInAtMs, state }];
    const credentials = createCredentials({ ...NO_RECORDS, tenants: [defaultTenant(0)], apiKeys: [record], owners });
    const deps = { find: (id: string) => credentials.find(id), hmacKey: HMAC, clock, onUse: () => undefined };
    const found = (ownerMaxAgeMs: number | 'none') =>
      createApiKeyMethod({ ...deps, ownerMaxAgeMs })({ value, ...SHOWN });
    return [found(30 * day), found('none')].map((one) => (one as { code?: string; id?: string }).code ?? 'in');
  };
  clock.advance(30 * day - 1);
  assert.deepEqual(signedInAt(undefined), ['in', 'in']);
  assert.deepEqual(signedInAt(madeMs, 'disabled'), ['revoked_credential', 'revoked_credential']);
  clock.advance(1);
  assert.deepEqual(signedInAt(undefined), ['revoked_credential', 'in']);
  assert.deepEqual(signedInAt(madeMs + 1), ['in', 'in']);
});

test('grants are cut to what the tenant may use', async () => {
  const tenant = { ...defaultTenant(0), models: ['a', 'b'] };
  const modelsOf = (models: string[] | undefined) => {
    const { record } = issueApiKey({ ...WISH, models }, issuer, 0);
    return [
      ...(createCredentials({ ...NO_RECORDS, tenants: [tenant], apiKeys: [record] }).find(record.id)?.principal
        .models ?? []),
    ];
  };
  assert.deepEqual(modelsOf(['b', 'c']), ['b']);
  assert.deepEqual(modelsOf(undefined), ['a', 'b']);
  assert.deepEqual(modelsOf(['*']), ['a', 'b']);
});

test('MT-02 no header stands for a certificate: only that of the connection does', async () => {
  const { present } = setUp();
  const pem = '-----BEGIN%20CERTIFICATE-----';
  for (const name of [
    'client-cert',
    'x-forwarded-client-cert',
    'x-ssl-client-cert',
    'x-client-cert',
    'ssl-client-cert',
  ]) {
    assert.equal(await present({ [name]: pem }), 'missing_credential', name);
  }
});
