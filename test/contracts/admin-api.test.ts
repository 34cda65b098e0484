import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseApiKey } from '../../src/directory/api-key.ts';
import { DEFAULT_SCOPES } from '../../src/directory/issue.ts';
import { StoreUnavailable } from '../../src/directory/store.ts';
import { deny } from '../../src/kernel/reasons.ts';
import { createTestAdmin, type AdminAnswer, type AdminAsk } from '../support/admin.ts';

const KEYS = '/api/v1/api-keys';

/** Status and code of a refusal, after its form was checked. */
function refusal({ status, headers, json }: AdminAnswer): string {
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(json['status'], status);
  assert.equal(json['type'], `urn:sallyport:reason:${String(json['code'])}`);
  assert.equal(json['request_id'], headers.get('x-request-id'));
  assert.equal(typeof json['title'], 'string');
  assert.equal(typeof json['detail'], 'string');
  return `${status} ${String(json['code'])} ${String(json['param'])}`;
}

async function created(admin: ReturnType<typeof createTestAdmin>, body: object = {}): Promise<Record<string, unknown>> {
  const answer = await admin.ask(`POST ${KEYS}`, { body: { name: 'k', ...body } });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}

test('where nothing may be changed unrecorded and nothing can be recorded, reading works and changing does not', async () => {
  const admin = createTestAdmin({ isUnrecorded: () => true });
  assert.equal((await admin.ask(`GET ${KEYS}`)).status, 200);
  assert.equal(refusal(await admin.ask(`POST ${KEYS}`, { body: { name: 'k' } })), '503 store_unavailable null');
  assert.deepEqual((await admin.ask(`GET ${KEYS}`)).json['items'], []);
});

test('what is no name of a credential is not held, or it would look as if something were', async () => {
  const admin = createTestAdmin();
  const hold = (id: string) => admin.ask('POST /api/v1/quarantine', { body: { id } });
  for (const id of ['subject:undefined x', 'group:own ops', 'client:nobody', 'token:https://login.example', 'x']) {
    assert.equal(refusal(await hold(id)), '400 invalid_field id', id);
  }
  assert.equal(refusal(await hold('key:nobody')), '404 unknown_object null');
  assert.equal((await hold('subject:https://login.example alice "a"')).status, 201);
});

suite('creating an API key', () => {
  test('answers 201 with the value, and what was not said has its default', async () => {
    const admin = createTestAdmin();
    const answer = await admin.ask(`POST ${KEYS}`, { body: { name: 'team' } });
    assert.equal(answer.status, 201);
    const { key, ...shown } = answer.json;
    const id = String(shown['id']);
    assert.equal(parseApiKey(String(key))?.id, id);
    assert.deepEqual(shown, {
      id,
      name: 'team',
      tenant: 'default',
      scopes: DEFAULT_SCOPES,
      models: ['*'],
      rpm: null,
      tpm: null,
      concurrency: null,
      budgetTokens: null,
      allowIp: [],
      denyIp: [],
      grants: [],
      caps: {},
      owner: null,
      roles: [],
      groups: [],
      unused: [...DEFAULT_SCOPES, 'model:*'],
      onBehalfOf: null,
      legacy: false,
      state: 'active',
      createdAt: '2030-01-01T00:00:00.000Z',
      expiresAt: null,
      lastUsedAt: null,
      previousUntil: null,
      version: 1,
    });
    assert.equal(answer.headers.get('location'), `${KEYS}/${id}`);
    assert.equal(answer.headers.get('etag'), '"1"');
    assert.equal(answer.headers.get('x-sallyport-workers'), 'confirmed=2, replaced=1');
    assert.deepEqual(admin.log, [`socket api-keys.create ${id}`]);
  });

  test('takes everything that a key can have', async () => {
    const admin = createTestAdmin();
    const shown = await created(admin, {
      scopes: ['inference:chat', 'completions', 'models:read', 'inference:chat'],
      models: ['a', 'b'],
      rpm: 'none',
      concurrency: 3,
      allowIp: ['10.0.0.0/8', '192.0.2.7'],
      expires: '30d',
    });
    assert.deepEqual(shown['scopes'], ['inference:chat', 'inference:completions', 'models:read']);
    assert.deepEqual([shown['models'], shown['rpm'], shown['concurrency']], [['a', 'b'], 'none', 3]);
    assert.deepEqual(shown['allowIp'], ['10.0.0.0/8', '192.0.2.7/32']);
    assert.equal(shown['expiresAt'], '2030-01-31T00:00:00.000Z');
  });

  test('shows the value in no later answer and not in the log', async () => {
    const admin = createTestAdmin();
    const { id, key } = await created(admin);
    for (const path of [KEYS, `${KEYS}/${String(id)}`]) {
      const { text } = await admin.ask(`GET ${path}`);
      assert.ok(text.includes(String(id)));
      assert.ok(!text.includes(String(key).slice(10)) && !text.includes('digest'));
    }
    assert.ok(!admin.log.join().includes(String(key).slice(10)));
  });

  const refused: readonly (readonly [string, AdminAsk['body'], string])[] = [
    ['without a name', {}, '400 invalid_field name'],
    ['with an empty name', { name: '' }, '400 invalid_field name'],
    ['with a name of 129 characters', { name: 'x'.repeat(129) }, '400 invalid_field name'],
    ['with a line end in its name', { name: 'a\nb' }, '400 invalid_field name'],
    ['for an unknown tenant', { name: 'k', tenant: 'acme' }, '400 invalid_field tenant'],
    ['with an unknown scope', { name: 'k', scopes: ['models:read', 'admin:reed'] }, '400 invalid_field scopes[1]'],
    ['without any scope', { name: 'k', scopes: [] }, '400 value_out_of_range scopes'],
    ['without any model', { name: 'k', models: [] }, '400 value_out_of_range models'],
    ['with a limit of 0', { name: 'k', rpm: 0 }, '400 value_out_of_range rpm'],
    ['with a limit as text', { name: 'k', concurrency: '3' }, '400 invalid_field concurrency'],
    ['with bits behind a prefix', { name: 'k', allowIp: ['10.0.0.1/8'] }, '400 invalid_field allowIp[0]'],
    ['with a duration without unit', { name: 'k', expires: '30' }, '400 invalid_field expires'],
    ['with an expiry of 0s', { name: 'k', expires: '0s' }, '400 invalid_field expires'],
    ['with a day that no month has', { name: 'k', expires: '2031-02-31T00:00:00Z' }, '400 invalid_field expires'],
    ['with 29 February of no leap year', { name: 'k', expires: '2031-02-29T00:00:00Z' }, '400 invalid_field expires'],
    ['with the hour 24', { name: 'k', expires: '2031-02-01T24:00:00Z' }, '400 invalid_field expires'],
    ['with a time that is over', { name: 'k', expires: '2029-12-31T23:59:59Z' }, '400 value_out_of_range expires'],
    ['with an unknown field', { name: 'k', scope: ['models:read'] }, '400 unknown_field scope'],
    ['with a budget for no time', { name: 'k', budgetTokens: '5' }, '400 invalid_field budgetTokens'],
    ['with a budget of nothing', { name: 'k', budgetTokens: '0/day' }, '400 invalid_field budgetTokens'],
    ['with more tokens than there are', { name: 'k', tpm: 1e13 }, '400 value_out_of_range tpm'],
    ['as a list', [], '400 invalid_field null'],
    ['as a text', '"k"', '400 invalid_field null'],
  ];
  for (const [title, body, expected] of refused) {
    test(`is refused ${title}, and nothing is written`, async () => {
      const admin = createTestAdmin();
      assert.equal(refusal(await admin.ask(`POST ${KEYS}`, { body })), expected);
      assert.deepEqual([admin.commits, admin.log], [[], []]);
    });
  }

  test('is refused with all mistakes at once', async () => {
    const { json } = await createTestAdmin().ask(`POST ${KEYS}`, { body: { name: '', rpm: -1, tmp: 5, nmae: 'k' } });
    const errors = json['errors'] as Record<string, string>[];
    assert.deepEqual(
      errors.map(({ code, param }) => `${code} ${param}`),
      ['invalid_field name', 'value_out_of_range rpm', 'unknown_field tmp', 'unknown_field nmae'],
    );
    assert.match(errors[3]?.['detail'] ?? '', /Did you mean "name"\?/);
  });

  test('says the nearest scope and the way to an unknown tenant', async () => {
    const admin = createTestAdmin();
    const scope = await admin.ask(`POST ${KEYS}`, { body: { name: 'k', scopes: ['chat'] } });
    assert.match(String(scope.json['detail']), /Did you mean inference:chat\?/);
    const tenant = await admin.ask(`POST ${KEYS}`, { body: { name: 'k', tenant: 'acme' } });
    assert.match(String(tenant.json['detail']), /sallyport tenants create acme$/);
  });

  test('is refused for a model that the tenant may not use, and for a disabled tenant', async () => {
    const admin = createTestAdmin();
    await admin.ask('POST /api/v1/tenants', { body: { name: 'acme', models: ['a'] } });
    const body = { name: 'k', tenant: 'acme', models: ['a', 'b'] };
    assert.equal(refusal(await admin.ask(`POST ${KEYS}`, { body })), '400 invalid_field models[1]');
    await created(admin, { tenant: 'acme', models: ['a'] });
    await admin.ask('POST /api/v1/tenants/acme/disable');
    assert.equal(
      refusal(await admin.ask(`POST ${KEYS}`, { body: { name: 'k', tenant: 'acme' } })),
      '409 conflict tenant',
    );
  });
});

suite('Idempotency-Key', () => {
  const ask = (admin: ReturnType<typeof createTestAdmin>, body: object, key = 'one') =>
    admin.ask(`POST ${KEYS}`, { body, headers: { 'idempotency-key': key } });

  test('gives the same answer to the same request, the value included', async () => {
    const admin = createTestAdmin();
    const first = await ask(admin, { name: 'k' });
    const second = await ask(admin, { name: 'k' });
    assert.deepEqual([second.status, second.json], [201, first.json]);
    assert.equal(admin.commits.length, 1);
  });

  test('lets simultaneous requests make one object', async () => {
    const admin = createTestAdmin();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(admin, { name: 'k' })));
    assert.equal(new Set(answers.map(({ json }) => json['key'])).size, 1);
    assert.equal(admin.commits.length, 1);
  });

  test('is refused for another body, another object, and in another form', async () => {
    const admin = createTestAdmin();
    const { json } = await ask(admin, { name: 'k' });
    assert.equal(refusal(await ask(admin, { name: 'other' })), '409 conflict null');
    const path = `${KEYS}/${String(json['id'])}/rotate`;
    const headers = { 'idempotency-key': 'one' };
    assert.equal(refusal(await admin.ask(`POST ${path}`, { headers })), '409 conflict null');
    assert.equal(refusal(await ask(admin, { name: 'k' }, 'a b')), '400 invalid_request null');
    assert.equal(refusal(await ask(admin, { name: 'k' }, 'x'.repeat(256))), '400 invalid_request null');
    assert.equal((await ask(admin, { name: 'k' }, 'x'.repeat(255))).status, 201);
  });

  test('is another one for another caller', async () => {
    const admin = createTestAdmin();
    const headers = { 'idempotency-key': 'one' };
    const first = await admin.ask(`POST ${KEYS}`, { body: { name: 'k' }, headers });
    const second = await admin.ask(`POST ${KEYS}`, { body: { name: 'k' }, headers, as: ['admin:write'] });
    assert.notEqual(first.json['key'], second.json['key']);
  });

  test('does not keep what failed', async () => {
    const admin = createTestAdmin();
    const body = { name: 'k', tenant: 'acme' };
    assert.equal((await ask(admin, body)).status, 400);
    await admin.ask('POST /api/v1/tenants', { body: { name: 'acme' } });
    assert.equal((await ask(admin, body)).status, 201);
  });

  test('holds for 10 minutes and not for longer', async () => {
    const admin = createTestAdmin();
    const startMs = admin.deps.clock.nowMs();
    const first = await ask(admin, { name: 'k' });
    admin.setTime(startMs + 599_999);
    assert.equal((await ask(admin, { name: 'k' })).json['key'], first.json['key']);
    admin.setTime(startMs + 600_000);
    assert.notEqual((await ask(admin, { name: 'k' })).json['key'], first.json['key']);
  });

  test('rotates once', async () => {
    const admin = createTestAdmin();
    const { id } = await created(admin);
    const rotate = () => admin.ask(`POST ${KEYS}/${String(id)}/rotate`, { headers: { 'idempotency-key': 'r' } });
    assert.equal((await rotate()).json['key'], (await rotate()).json['key']);
  });
});

suite('importing a secret', () => {
  test('makes one API key of it, also when asked for several times at once', async () => {
    const admin = createTestAdmin();
    const value = 'a-secret-that-is-in-use';
    const answers = await Promise.all(
      ['first', 'second', 'third'].map((name) => admin.ask(`POST ${KEYS}/import`, { body: { name, value } })),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409]);
    assert.equal(admin.commits.length, 1);
  });
});

suite('changing an API key', () => {
  test('changes what is named and leaves the rest', async () => {
    const admin = createTestAdmin();
    const before = await created(admin, { rpm: 5, expires: '1d' });
    const path = `${KEYS}/${String(before['id'])}`;
    const { json, headers } = await admin.ask(`PATCH ${path}`, { body: { name: 'new', concurrency: 2 } });
    const { key: _, ...shown } = before;
    assert.deepEqual(json, { ...shown, name: 'new', concurrency: 2, version: 2 });
    assert.equal(headers.get('etag'), '"2"');
    const back = await admin.ask(`PATCH ${path}`, { body: { rpm: null, expires: null } });
    assert.deepEqual([back.json['rpm'], back.json['expiresAt']], [null, null]);
    assert.equal(refusal(await admin.ask(`PATCH ${path}`, { body: { tenant: 'x' } })), '400 unknown_field tenant');
    assert.equal((await admin.ask(`PATCH ${path}`, { body: {} })).json['version'], 3);
  });

  for (const [tag, status] of [
    ['"1"', 200],
    ['*', 200],
    ['"7", "1"', 200],
    ['"2"', 412],
    ['W/"1"', 412],
    ['1', 412],
  ] as const) {
    test(`If-Match ${tag} on version 1 is answered ${status}`, async () => {
      const admin = createTestAdmin();
      const { id } = await created(admin);
      for (const [method, path] of [
        ['PATCH', ''],
        ['POST', '/disable'],
        ['DELETE', ''],
      ] as const) {
        const fresh = createTestAdmin();
        const made = await created(fresh);
        const answer = await fresh.ask(`${method} ${KEYS}/${String(made['id'])}${path}`, {
          headers: { 'if-match': tag },
          ...(method === 'PATCH' ? { body: { name: 'n' } } : {}),
        });
        assert.equal(answer.status, status === 200 && method === 'DELETE' ? 204 : status, method);
        if (status === 412) assert.equal(answer.json['code'], 'precondition_failed');
      }
      assert.equal((await admin.ask(`GET ${KEYS}/${String(id)}`)).json['version'], 1);
    });
  }

  test('of two simultaneous changes of one version one is refused, and without If-Match both hold', async () => {
    const admin = createTestAdmin();
    const { id } = await created(admin);
    const edit = (body: object, headers: Record<string, string> = {}) =>
      admin.ask(`PATCH ${KEYS}/${String(id)}`, { body, headers });
    const tagged = await Promise.all([
      edit({ name: 'a' }, { 'if-match': '"1"' }),
      edit({ name: 'b' }, { 'if-match': '"1"' }),
    ]);
    assert.deepEqual(
      tagged.map(({ status }) => status).sort((a, b) => a - b),
      [200, 412],
    );
    await Promise.all([edit({ rpm: 7 }), admin.ask(`POST ${KEYS}/${String(id)}/revoke`)]);
    const { json } = await admin.ask(`GET ${KEYS}/${String(id)}`);
    assert.equal(json['state'], 'revoked');
  });

  test('disable and enable go back and forth, and a second time changes nothing', async () => {
    const admin = createTestAdmin();
    const { id } = await created(admin);
    const act = async (verb: string) => (await admin.ask(`POST ${KEYS}/${String(id)}/${verb}`)).json;
    assert.deepEqual([(await act('disable'))['state'], (await act('disable'))['version']], ['disabled', 2]);
    assert.deepEqual([(await act('enable'))['state'], (await act('enable'))['version']], ['active', 3]);
    assert.equal(admin.log.length, 3);
  });

  test('a revoked key stays revoked: it cannot be enabled, disabled, rotated or changed', async () => {
    const admin = createTestAdmin();
    const { id } = await created(admin);
    const path = `${KEYS}/${String(id)}`;
    assert.equal((await admin.ask(`POST ${path}/revoke`)).json['state'], 'revoked');
    for (const verb of ['enable', 'disable', 'rotate']) {
      assert.equal(refusal(await admin.ask(`POST ${path}/${verb}`)), '409 conflict null', verb);
    }
    assert.equal(refusal(await admin.ask(`PATCH ${path}`, { body: { rpm: 1 } })), '409 conflict null');
    assert.equal((await admin.ask(`POST ${path}/revoke`)).status, 200);
  });

  test('a deleted key is gone from every answer', async () => {
    const admin = createTestAdmin();
    const { id } = await created(admin);
    const path = `${KEYS}/${String(id)}`;
    assert.equal((await admin.ask(`DELETE ${path}`)).status, 204);
    assert.equal(admin.deps.directory.apiKeys.get(String(id))?.state, 'deleted');
    assert.deepEqual((await admin.ask(`GET ${KEYS}`)).json['items'], []);
    for (const method of ['GET', 'DELETE']) {
      assert.equal(refusal(await admin.ask(`${method} ${path}`)), '404 unknown_object null');
    }
    assert.equal(refusal(await admin.ask(`POST ${path}/enable`)), '404 unknown_object null');
    assert.equal((await admin.ask(`GET ${path}`)).json['code'], 'unknown_object');
  });

  test('rotation gives another value of the same id; the one before ends at once, or after the overlap', async () => {
    const admin = createTestAdmin();
    const { id, key } = await created(admin);
    const rotate = (body?: object) =>
      admin.ask(`POST ${KEYS}/${String(id)}/rotate`, body === undefined ? {} : { body });
    const first = await rotate();
    assert.equal(parseApiKey(String(first.json['key']))?.id, id);
    assert.notEqual(first.json['key'], key);
    assert.equal(first.json['previousUntil'], null);
    assert.equal(admin.deps.directory.apiKeys.get(String(id))?.previous, undefined);
    const second = await rotate({ overlap: '24h' });
    assert.equal(second.json['previousUntil'], '2030-01-02T00:00:00.000Z');
    assert.equal(refusal(await rotate({ overlap: '366d' })), '400 invalid_field overlap');
  });
});

suite('lists', () => {
  test('come in pages, each object once, oldest first, whatever is deleted on the way', async () => {
    const admin = createTestAdmin();
    const ids: string[] = [];
    for (let i = 0; i < 7; i += 1) {
      admin.setTime(Date.parse('2030-01-01T00:00:00Z') + Math.floor(i / 3));
      ids.push(String((await created(admin))['id']));
    }
    const seen: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const { json }: AdminAnswer = await admin.ask(`GET ${KEYS}?limit=2${after === '' ? '' : `&after=${after}`}`);
      const page = (json['items'] as { id: string }[]).map((one) => one.id);
      assert.ok(page.length <= 2);
      seen.push(...page);
      after = json['next'] as string | null;
      // The cursor stays good when its own object is hidden.
      if (after !== null) await admin.ask(`DELETE ${KEYS}/${after}`);
    }
    assert.deepEqual([...seen].sort(), [...ids].sort());
    const creation = (id: string) => admin.deps.directory.apiKeys.get(id)?.createdAtMs ?? 0;
    assert.ok(seen.every((id, i) => i === 0 || creation(seen[i - 1] ?? '') <= creation(id)));
  });

  for (const [query, expected] of [
    ['limit=0', '400 invalid_field limit'],
    ['limit=201', '400 invalid_field limit'],
    ['limit=x', '400 invalid_field limit'],
    ['limit=', '400 invalid_field limit'],
    ['after=nothing', '400 invalid_field after'],
    ['limit=1&limit=2', '400 invalid_field limit'],
    ['limti=1', '400 unknown_field limti'],
  ] as const) {
    test(`?${query} is refused`, async () => {
      assert.equal(refusal(await createTestAdmin().ask(`GET ${KEYS}?${query}`)), expected);
    });
  }

  test('a page holds 1 to 200 objects, 50 unless told', async () => {
    const admin = createTestAdmin();
    for (let i = 0; i < 51; i += 1) await created(admin);
    const sizeOf = async (query: string) =>
      ((await admin.ask(`GET ${KEYS}${query}`)).json['items'] as unknown[]).length;
    assert.deepEqual([await sizeOf(''), await sizeOf('?limit=1'), await sizeOf('?limit=200')], [50, 1, 51]);
  });

  test('can be of one tenant', async () => {
    const admin = createTestAdmin();
    await admin.ask('POST /api/v1/tenants', { body: { name: 'acme' } });
    await created(admin);
    const { id } = await created(admin, { tenant: 'acme' });
    const { json } = await admin.ask(`GET ${KEYS}?tenant=acme`);
    assert.deepEqual(
      (json['items'] as { id: string }[]).map((one) => one.id),
      [id],
    );
  });
});

suite('tenants', () => {
  test('are created, listed, changed, disabled and enabled', async () => {
    const admin = createTestAdmin();
    const made = await admin.ask('POST /api/v1/tenants', {
      body: { name: 'acme', models: ['a'], poolBudgetTokens: '500/day' },
    });
    assert.deepEqual([made.status, made.headers.get('location')], [201, '/api/v1/tenants/acme']);
    assert.deepEqual(made.json, {
      id: 'acme',
      name: 'acme',
      models: ['a'],
      ...{ rpm: null, tpm: null, concurrency: null, budgetTokens: null },
      ...{ poolRpm: null, poolTpm: null, poolConcurrency: null, poolBudgetTokens: '500/day' },
      allowIp: [],
      denyIp: [],
      state: 'active',
      createdAt: '2030-01-01T00:00:00.000Z',
      version: 1,
    });
    const { json } = await admin.ask('GET /api/v1/tenants');
    assert.deepEqual(
      (json['items'] as { id: string }[]).map(({ id }) => id),
      ['acme', 'default'],
    );
    const edited = await admin.ask('PATCH /api/v1/tenants/acme', { body: { models: ['b'] } });
    assert.deepEqual([edited.json['models'], edited.json['poolBudgetTokens']], [['b'], '500/day']);
    const moved = await admin.ask('PATCH /api/v1/tenants/acme', { body: { allowIp: ['10.0.0.0/8'], denyIp: ['::1'] } });
    const { models, allowIp, denyIp } = moved.json;
    assert.deepEqual([models, allowIp, denyIp], [['b'], ['10.0.0.0/8'], ['::1/128']]);
    assert.equal((await admin.ask('POST /api/v1/tenants/acme/disable')).json['state'], 'disabled');
    assert.equal((await admin.ask('POST /api/v1/tenants/acme/enable')).json['state'], 'active');
    assert.equal((await admin.ask('GET /api/v1/tenants/acme')).headers.get('etag'), '"5"');
    assert.deepEqual(admin.log, [
      'socket tenants.create acme',
      'socket tenants.edit acme',
      'socket tenants.edit acme',
      'socket tenants.disable acme',
      'socket tenants.enable acme',
    ]);
  });

  test('have names that are taken once, also when asked for at the same time', async () => {
    const admin = createTestAdmin();
    const create = () => admin.ask('POST /api/v1/tenants', { body: { name: 'acme' } });
    const statuses = (await Promise.all([create(), create()])).map(({ status }) => status);
    assert.deepEqual(
      statuses.sort((a, b) => a - b),
      [201, 409],
    );
    const taken = await create();
    assert.equal(refusal(taken), '409 conflict name');
    assert.equal(taken.json['code'], 'conflict');
  });

  for (const name of ['', 'A', '-a', 'a-', 'a_b', 'a'.repeat(64), 'a/b']) {
    test(`are not called ${JSON.stringify(name)}`, async () => {
      const answer = await createTestAdmin().ask('POST /api/v1/tenants', { body: { name } });
      assert.equal(refusal(answer), '400 invalid_field name');
    });
  }

  test('may have names of 1 and of 63 characters', async () => {
    const admin = createTestAdmin();
    for (const name of ['a', 'a'.repeat(63), '0-9']) {
      assert.equal((await admin.ask('POST /api/v1/tenants', { body: { name } })).status, 201);
    }
  });

  test('cannot be deleted in this version', async () => {
    const answer = await createTestAdmin().ask('DELETE /api/v1/tenants/default');
    assert.equal(refusal(answer), '405 method_not_allowed null');
    assert.equal(answer.headers.get('allow'), 'GET, PATCH, HEAD, OPTIONS');
  });
});

suite('bans', () => {
  const ban = (network: string) => ({
    network,
    reason: 'scan',
    number: 2,
    startedAtMs: Date.parse('2030-01-01T00:00:00Z'),
    untilMs: Date.parse('2030-01-01T00:02:00Z'),
  });
  const setUp = (networks: readonly string[]) => {
    const banned = new Map(networks.map((network) => [network, ban(network)]));
    const lift = (network: string) => {
      const one = banned.get(network);
      banned.delete(network);
      return one;
    };
    const add = (network: string, forMs: number) =>
      network === '127.0.0.1' ? deny('conflict', { param: 'address' }) : { ...ban(network), number: forMs };
    return createTestAdmin({ bans: { list: () => [...banned.values()], lift, add } });
  };

  test('are listed by address, page by page, also where one of a page was lifted meanwhile', async () => {
    const admin = setUp(['192.0.2.9', '2001:db8:0:1::/64', '192.0.2.7']);
    const first = await admin.ask('GET /api/v1/bans?limit=2');
    assert.deepEqual(first.json['items'], [
      {
        address: '192.0.2.7',
        reason: 'scan',
        number: 2,
        startedAt: '2030-01-01T00:00:00.000Z',
        until: '2030-01-01T00:02:00.000Z',
      },
      { ...(first.json['items'] as object[])[0], address: '192.0.2.9' },
    ]);
    assert.equal(first.json['next'], '192.0.2.9');
    await admin.ask('DELETE /api/v1/bans/192.0.2.9');
    const second = await admin.ask('GET /api/v1/bans?limit=2&after=192.0.2.9');
    assert.deepEqual(
      (second.json['items'] as { address: string }[]).map(({ address }) => address),
      ['2001:db8:0:1::/64'],
    );
    assert.equal(second.json['next'], null);
  });

  test('are lifted by any address of their network, once', async () => {
    for (const id of ['2001:db8:0:1::77', '2001:db8:0:1::', '2001%3Adb8%3A0%3A1%3A%3A%2F64']) {
      const admin = setUp(['2001:db8:0:1::/64']);
      assert.equal((await admin.ask(`DELETE /api/v1/bans/${id}`)).status, 204, id);
      assert.equal(refusal(await admin.ask(`DELETE /api/v1/bans/${id}`)), '404 unknown_object null');
      assert.deepEqual(admin.log, ['socket bans.delete 2001:db8:0:1::/64']);
    }
    assert.equal(refusal(await setUp([]).ask('DELETE /api/v1/bans/office')), '404 unknown_object null');
  });

  test('are made by hand for an hour, or for as long as is said', async () => {
    const admin = setUp([]);
    const made = await admin.ask('POST /api/v1/bans', { body: { address: '::ffff:192.0.2.7' } });
    assert.deepEqual(
      [made.status, made.json['address'], made.json['number'], made.headers.get('location')],
      [201, '192.0.2.7', 3_600_000, '/api/v1/bans/192.0.2.7'],
    );
    assert.equal(
      (await admin.ask('POST /api/v1/bans', { body: { address: '::1', for: '2h' } })).json['number'],
      7_200_000,
    );
    assert.deepEqual(admin.log, ['socket bans.create 192.0.2.7', 'socket bans.create 0:0:0:0::/64']);
    for (const [body, said] of [
      [{}, '400 invalid_field address'],
      [{ address: 'office' }, '400 invalid_field address'],
      [{ address: '192.0.2.0/24' }, '400 invalid_field address'],
      [{ address: '192.0.2.7', for: '0s' }, '400 invalid_field for'],
      [{ address: '192.0.2.7', for: '31d' }, '400 invalid_field for'],
      [{ address: '127.0.0.1' }, '409 conflict address'],
    ] as const) {
      assert.equal(refusal(await admin.ask('POST /api/v1/bans', { body })), said, JSON.stringify(body));
    }
  });
});

suite('who may ask', () => {
  test('strangers get 401 with a challenge for every path, whether it exists or not', async () => {
    const admin = createTestAdmin();
    for (const path of [KEYS, '/api/v1/nothing', '/api/v1/openapi.json', '/', '/metrics', '/admin']) {
      const answer = await admin.ask(`GET ${path}`, { as: 'nobody' });
      assert.equal(refusal(answer), '401 missing_credential null', path);
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /);
    }
  });

  test('a key without the scope gets 403 that names it, before a body is read', async () => {
    const admin = createTestAdmin();
    const answer = await admin.ask(`POST ${KEYS}`, { as: ['admin:read'], body: 'no JSON' });
    assert.equal(refusal(answer), '403 insufficient_scope null');
    assert.match(answer.headers.get('www-authenticate') ?? '', /scope="admin:write"/);
    assert.equal(refusal(await admin.ask(`GET ${KEYS}`, { as: ['admin:write'] })), '403 insufficient_scope null');
    assert.equal((await admin.ask(`GET ${KEYS}`, { as: ['admin:read'] })).status, 200);
    const made = await admin.ask(`POST ${KEYS}`, { as: ['admin:write'], body: { name: 'k' } });
    assert.equal(made.status, 201);
    assert.deepEqual(admin.log, [`key:Admin1 api-keys.create ${String(made.json['id'])}`]);
  });

  test('an address that may not ask is refused on every path before its credential is looked at, and the socket never', async () => {
    const admin = createTestAdmin({
      judgeAddress: (address) => (address === '192.0.2.1' ? deny('ip_denied') : undefined),
    });
    for (const path of [KEYS, '/metrics', '/nothing']) {
      for (const as of [['admin:read', 'metrics:read'], 'nobody'] as const) {
        assert.equal(refusal(await admin.ask(`GET ${path}`, { as })), '403 ip_denied null', path);
      }
    }
    assert.equal((await admin.ask(`GET ${KEYS}`)).status, 200);
  });

  test('a web page of another site gets no CORS header and no preflight', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const answer = await createTestAdmin().ask(`OPTIONS ${KEYS}`, { as: 'nobody', headers });
    assert.equal(answer.status, 401);
    assert.deepEqual(
      [...answer.headers.keys()].filter((name) => name.startsWith('access-control')),
      [],
    );
  });
});

suite('requests', () => {
  const BODY = '{"name":"k"}';
  for (const [title, ask, expected] of [
    [
      'another media type',
      { body: BODY, headers: { 'content-type': 'text/plain' } },
      '415 unsupported_media_type null',
    ],
    [
      'a form',
      { body: BODY, headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      '415 unsupported_media_type null',
    ],
    [
      'another charset',
      { body: BODY, headers: { 'content-type': 'application/json; charset=latin1' } },
      '415 unsupported_media_type null',
    ],
    ['a content coding', { body: BODY, headers: { 'content-encoding': 'gzip' } }, '415 unsupported_media_type null'],
    ['a key twice', { body: '{"name":"a","name":"b"}' }, '400 duplicate_key null'],
    ['a key twice, once escaped', { body: '{"name":"a","n\\u0061me":"b"}' }, '400 duplicate_key null'],
    ['a key twice further inside', { body: '{"name":"a","x":[{"y":1,"y":"\\":{"}]}' }, '400 duplicate_key null'],
    ['arrays 30000 deep', { body: `{"name":${'['.repeat(30_000)}${']'.repeat(30_000)}}` }, '400 invalid_field name'],
    ['broken JSON', { body: '{' }, '400 invalid_json null'],
    ['bytes that are no UTF-8', { body: Buffer.from('{"name":"\xff"}', 'latin1') }, '400 invalid_encoding null'],
    ['a byte order mark', { body: `\ufeff${BODY}` }, '400 invalid_json null'],
    ['65537 bytes', { body: BODY.padEnd(65_537) }, '413 body_too_large null'],
    ['a name that every object has', { body: '{"name":"k","__proto__":{"rpm":1}}' }, '400 unknown_field __proto__'],
  ] as const) {
    test(`with ${title} are refused`, async () => {
      assert.equal(refusal(await createTestAdmin().ask(`POST ${KEYS}`, ask)), expected);
    });
  }

  test('with 65536 bytes and a charset are accepted', async () => {
    const headers = { 'content-type': 'application/json; charset=UTF-8' };
    assert.equal((await createTestAdmin().ask(`POST ${KEYS}`, { body: BODY.padEnd(65_536), headers })).status, 201);
  });

  const asked = (fields: object): string => JSON.stringify({ key: 'Ab12cd', ...fields });
  for (const [title, body, expected] of [
    ['of quotation marks as long as one of /v1 may be', asked({ body: '"'.repeat(1024 * 1024) }), 200],
    ['of two members in a text as long', asked({ body: '\\":'.repeat(256 * 1024) }), 200],
    ['that is longer', asked({ body: '"'.repeat(1024 * 1024 + 32 * 1024) }), '413 body_too_large null'],
    ['of an address that is none', asked({ address: 'localhost' }), '400 invalid_field address'],
    ['of an address with a port', asked({ address: '192.0.2.1:80' }), '400 invalid_field address'],
    ['of no address', asked({ address: '' }), '400 invalid_field address'],
    ['of an address of IPv6', asked({ address: '2001:db8::1' }), 200],
  ] as const) {
    test(`to explain a request ${title} are ${expected}`, async () => {
      const answer = await createTestAdmin().ask('POST /api/v1/explain', { body });
      assert.equal(typeof expected === 'string' ? refusal(answer) : answer.status, expected);
    });
  }

  test('with another method are 405 with Allow; OPTIONS says it, HEAD is GET without a body', async () => {
    const admin = createTestAdmin();
    const put = await admin.ask(`PUT ${KEYS}`);
    assert.equal(refusal(put), '405 method_not_allowed null');
    assert.equal(put.headers.get('allow'), 'GET, POST, HEAD, OPTIONS');
    const options = await admin.ask(`OPTIONS ${KEYS}`);
    assert.deepEqual([options.status, options.headers.get('allow')], [204, 'GET, POST, HEAD, OPTIONS']);
    const head = await admin.ask(`HEAD ${KEYS}`);
    assert.deepEqual([head.status, head.text], [200, '']);
  });

  test('for resources that are not built, and other spellings, are 404', async () => {
    const admin = createTestAdmin();
    for (const path of ['/api/v1/nothing', `${KEYS}/`, '/api/v1', '/api/v2/api-keys', '/']) {
      assert.equal(refusal(await admin.ask(`GET ${path}`)), '404 unknown_route null', path);
    }
  });

  test('carry security headers and a request id of their own in every answer', async () => {
    const admin = createTestAdmin();
    const ids = new Set<string | null>();
    for (const target of [`GET ${KEYS}`, 'GET /api/v1/nothing', `DELETE ${KEYS}/x`, 'GET /metrics']) {
      const { headers } = await admin.ask(target, { headers: { 'x-request-id': 'mine' } });
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f]{32}$/);
      ids.add(headers.get('x-request-id'));
    }
    assert.equal(ids.size, 4);
  });
});

suite('faults', () => {
  test('a store that cannot be written is 503 with the reason, and nothing is changed or kept', async () => {
    let isFull = true;
    const real = createTestAdmin();
    const admin = createTestAdmin({
      commit: (changes) =>
        isFull ? Promise.reject(new StoreUnavailable('database or disk is full')) : real.deps.commit(changes),
    });
    const ask = () => admin.ask(`POST ${KEYS}`, { body: { name: 'k' }, headers: { 'idempotency-key': 'a' } });
    const answer = await ask();
    assert.equal(refusal(answer), '503 store_unavailable null');
    assert.equal(answer.json['code'], 'store_unavailable');
    assert.match(String(answer.json['detail']), /database or disk is full/);
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.deepEqual(admin.log, []);
    isFull = false;
    assert.equal((await ask()).status, 201);
  });

  test('an error that nobody handled is 500, and only the log knows what it was', async () => {
    const faults: string[] = [];
    const admin = createTestAdmin({
      config: () => {
        throw new Error('a detail');
      },
      logFault: (requestId, error) => void faults.push(`${requestId} ${String(error)}`),
    });
    const answer = await admin.ask('GET /api/v1/config');
    assert.equal(refusal(answer), '500 internal_error null');
    assert.ok(!answer.text.includes('a detail'));
    assert.deepEqual(faults, [`${String(answer.json['request_id'])} Error: a detail`]);
  });
});

suite('what is only read', () => {
  test('routes say of each route of vLLM whether and why it is open', async () => {
    const { json } = await createTestAdmin().ask('GET /api/v1/routes');
    const items = json['items'] as Record<string, unknown>[];
    assert.ok(items.length > 50);
    assert.deepEqual(Object.keys(items[0] ?? {}), [
      'id',
      'methods',
      'path',
      'class',
      'scope',
      'open',
      'openable',
      'why',
    ]);
    assert.equal(items.find(({ path }) => path === '/v1/chat/completions')?.['open'], true);
    assert.equal(items.find(({ path }) => path === '/v1/load_lora_adapter')?.['open'], false);
  });

  test('config, instances and upstreams are what the gateway says', async () => {
    const admin = createTestAdmin();
    assert.deepEqual((await admin.ask('GET /api/v1/config')).json, { listen: { port: 8443 } });
    assert.deepEqual((await admin.ask('GET /api/v1/instances')).json['items'], [{ id: 'here', workers: [] }]);
    assert.deepEqual((await admin.ask('GET /api/v1/upstreams')).json['items'], [
      {
        name: 'main',
        url: 'http://127.0.0.1:1',
        state: 'down',
        version: null,
        models: [],
        contexts: {},
        outstanding: 0,
        waiting: 2,
        limit: 4,
        engine: { running: 4, waiting: 0, cacheUsage: null },
        firstByteMs: 80,
        why: 'refused',
      },
    ]);
  });
});

suite('advisories', () => {
  const ADVISORIES = '/api/v1/advisories';

  test('tell of each upstream whether it is touched, and what to do', async () => {
    const { json } = await createTestAdmin().ask(`GET ${ADVISORIES}`);
    const items = json['items'] as { id: string; aliases: string[]; upstreams: Record<string, unknown>[] }[];
    assert.equal(items.length, 93);
    const standing = (name: string) => items.find(({ id, aliases }) => [id, ...aliases].includes(name))?.upstreams[0];
    assert.equal(standing('CVE-2026-93989')?.['state'], 'patched');
    assert.equal(standing('CVE-2025-6242')?.['state'], 'not-affected');
    const exposed = standing('CVE-2026-105775');
    assert.equal(exposed?.['state'], 'exposed');
    assert.notEqual(exposed['todo'], '');
  });

  test('are imported in the format of the product, and a mistake is named by its path', async () => {
    const admin = createTestAdmin();
    const advisory = {
      id: 'CVE-2030-1',
      aliases: [],
      summary: 'A hole.',
      severity: 'high',
      affected: [{ fixed: '9.9.9' }],
      reach: 'detects',
    };
    const format = 'sallyport-advisories/1';
    const answer = await admin.ask(`POST ${ADVISORIES}`, { body: { format, advisories: [advisory] } });
    assert.deepEqual(answer.json, { imported: 1, known: 94 });
    assert.deepEqual(admin.log, ['socket advisories.import 1']);
    const bad = await admin.ask(`POST ${ADVISORIES}`, {
      body: { format, advisories: [{ ...advisory, severity: 'awful' }] },
    });
    assert.equal(refusal(bad), '400 invalid_field advisories[0].severity');
    assert.equal(refusal(await admin.ask(`POST ${ADVISORIES}`, { as: ['admin:read'] })), '403 insufficient_scope null');
  });
});

suite('metrics', () => {
  test('need metrics:read', async () => {
    const admin = createTestAdmin();
    assert.equal(refusal(await admin.ask('GET /metrics', { as: ['admin:read'] })), '403 insufficient_scope null');
    const answer = await admin.ask('GET /metrics', { as: ['metrics:read'] });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(answer.text, /^up 1$/m);
    assert.equal((await admin.ask('GET /metrics')).status, 200);
    assert.equal(refusal(await admin.ask('POST /metrics')), '405 method_not_allowed null');
  });

  test('need nothing where they are open, and are 404 where there are none', async () => {
    const open = createTestAdmin({ prometheus: 'open' });
    assert.equal((await open.ask('GET /metrics', { as: 'nobody' })).status, 200);
    assert.equal((await open.ask(`GET ${KEYS}`, { as: 'nobody' })).status, 401);
    const none = createTestAdmin({ prometheus: false });
    assert.equal(refusal(await none.ask('GET /metrics', { as: ['metrics:read'] })), '404 unknown_route null');
  });
});
