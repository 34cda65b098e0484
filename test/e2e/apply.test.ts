import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { sallyport, type Ran } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';

let gateway: TestGateway;
let dir = '';
beforeEach(async () => {
  gateway = await startTestGateway({ plain: true });
  await gateway.issue({ name: 'admin', scopes: ['admin:read', 'admin:write'] });
});
before(() => void (dir = mkdtempSync(join(tmpdir(), 'sallyport-apply-'))));
after(() => rmSync(dir, { recursive: true, force: true }));

const run = (line: string) => sallyport(gateway.stateDir, line);
async function apply(text: string, flags = ''): Promise<Ran> {
  const file = join(dir, 'access.yaml');
  writeFileSync(file, text);
  return run(`apply -f ${file}${flags}`);
}
/** Runs a test and ends its gateway. */
const withGateway = (title: string, body: () => Promise<void>): void =>
  void test(title, async () => {
    try {
      await body();
    } finally {
      await gateway[Symbol.asyncDispose]();
    }
  });

const FILE = `
tenants:
  - { name: acme, models: [tiny] }
keys:
  - { name: page, tenant: acme, scopes: ["inference:chat,messages"], rpm: 120, expires: 30d, allowIp: [127.0.0.1, "2001:DB8:0::/32"], grant: ["fields:beam-search"], cap: { n: 8 }, onBehalfOf: "header:X-User" }
  - { name: batch, concurrency: none }
`;

withGateway('a file is applied once, shows its plan first, and a second time there is nothing to do', async () => {
  const dry = await apply(FILE, ' --dry-run');
  const plan = 'create  tenant  acme\ncreate  key     page (acme)\ncreate  key     batch\n';
  assert.deepEqual([dry.exit, dry.out, dry.err], [0, plan, '']);
  assert.equal(JSON.parse((await run('tenants list --json')).out).length, 1);

  const done = await apply(FILE);
  assert.ok(done.out.startsWith(plan), done.out);
  const [, key = ''] = /page \(acme\) {2}\S+ {2}(sp_\S+)/.exec(done.out) ?? [];
  assert.equal((await ask(gateway, { key })).status, 200);
  const { plan: again } = JSON.parse((await apply(FILE, ' --json')).out) as { plan: unknown[] };
  assert.deepEqual(again, []);
  assert.equal((await apply(FILE)).out, 'Nothing to do: all is as the file says.\n');
});

withGateway('a change names its fields, holds at once, and what does not stand in the file stays', async () => {
  const made = await gateway.issue({ name: 'page' });
  const other = await gateway.issue({ name: 'other' });
  const ran = await apply('keys: [{ name: page, rpm: 7, models: [none-such], state: disabled }]');
  assert.equal(ran.out, 'change  key     page: models, rpm\ndisable key     page\n', ran.err);
  assert.equal((await ask(gateway, { key: made.key })).code, 'revoked_credential');
  assert.equal((await ask(gateway, { key: other.key })).status, 200);
  assert.equal((await apply('keys: [{ name: page, state: revoked }]')).out, 'revoke  key     page\n');
  assert.equal(
    (await apply('keys: [{ name: page, state: revoked }]')).out,
    'Nothing to do: all is as the file says.\n',
  );
});

for (const [title, entry] of [
  ['revoked', '{ name: admin, state: revoked, scopes: ["admin:read", "admin:write"] }'],
  ['disabled', '{ name: admin, state: disabled, scopes: ["admin:read", "admin:write"] }'],
  ['without its scope', '{ name: admin }'],
] as const) {
  withGateway(`the last administrator is not ${title}, and nothing at all is changed`, async () => {
    const ran = await apply(`tenants: [{ name: acme }]\nkeys: [${entry}]`);
    assert.deepEqual([ran.exit, ran.out], [1, '']);
    assert.match(ran.err, /no active API key with admin:write would be left/);
    assert.equal(JSON.parse((await run('tenants list --json')).out).length, 1);
  });
}

withGateway('the last administrator is not disabled with its tenant, but may go where another one comes', async () => {
  assert.equal((await apply('tenants: [{ name: default, state: disabled }]')).exit, 1);
  const next = '{ name: next, scopes: ["admin:read", "admin:write"] }';
  const ran = await apply(`keys: [{ name: admin, state: revoked }, ${next}]`);
  assert.equal(ran.exit, 0, ran.err);
});

withGateway('an administrator whose time is over does not count as the one that is left', async () => {
  const scopes = ['admin:read', 'admin:write'] as const;
  await gateway.issue({ name: 'former', scopes, expiresAtMs: Date.now() - 1 });
  assert.equal((await apply('keys: [{ name: admin, state: revoked }]')).exit, 1);
  const late = '{ name: former, scopes: ["admin:read", "admin:write"], expires: 2031-01-01T00:00:00Z }';
  assert.equal((await apply(`keys: [{ name: admin, state: revoked }, ${late}]`, ' --dry-run')).exit, 0);
});

const GROWING = Array.from({ length: 9 }, (_, i) => `a${i}: &a${i} [x${`, *a${i - 1}`.repeat(i && 9)}]`);

const MISTAKES = [
  { text: 'tenants: [{ name: good }, { name: Not good }]', err: /^tenants\.1\.name: Give a name/ },
  { text: 'tenants: [{ name: good }, { name: empty, models: [] }]', err: /^tenants\.1\.models: Give at least one/ },
  { text: 'keys: [*nobody]', err: /^This is no YAML: an alias has no anchor/ },
  { text: GROWING.join('\n'), err: /^This is no YAML: .*too many/ },
  { text: 'keys: [{ name: x, value: secret-of-somebody }]', err: /^keys\.0: .*"value"/ },
  { text: 'keys: [{ name: x, rpm: many }]', err: /^keys\.0\.rpm: Give a whole number/ },
  { text: 'keys: [{ name: x }, { name: x }]', err: /stands there twice/ },
  { text: 'keys: [{ name: x, name: y }]', err: /^This is no YAML/ },
  { text: 'tenants: [{ name: a }]\nkeys: [{ name: x, expires: soon }]', err: /^keys\.0\.expires: Give a duration/ },
  { text: 'keys: [{ name: x, scopes: [all] }]', err: /^keys\.0\.scopes/ },
  { text: 'roles: [{ name: Not good }]', err: /^roles\.0\.name: Give a name/ },
  { text: 'groups: [{ name: x, scopes: [all] }]', err: /^groups\.0\.scopes/ },
  { text: 'groups: [{ name: x }, { name: x }]', err: /the group x stands there twice/ },
  {
    text: 'policies: [{ name: p, effect: deny, conditions: { time: [whenever] } }]',
    err: /^policies\.0\.conditions\.time\.0: Give times/,
  },
  {
    text: 'clients: [{ name: c, grants: [client_credentials], scopes: [] }]',
    err: /^clients\.0\.scopes: Give at least one/,
  },
  { text: 'key: []', err: /^the file: .*"key"/ },
  { text: 'keys: [{ name: x, cap: { nn: 8 } }]', err: /^keys\.0\.cap/ },
];

withGateway('a mistake is refused with its path, without what stood there', async () => {
  for (const { text, err } of MISTAKES) {
    const ran = await apply(text);
    assert.deepEqual([ran.exit, ran.out], [2, ''], text);
    assert.match(ran.err, err);
    assert.doesNotMatch(ran.err, /secret-of-somebody/);
  }
  assert.equal(JSON.parse((await run('tenants list --json')).out).length, 1);
});

interface Applied {
  readonly plan: readonly { action: string; kind: string; name: string; fields: readonly string[] }[];
  readonly clients: readonly { client_secret: string }[];
  readonly keys: readonly { key: string }[];
}

const WHOLE = `
roles: [{ name: reader, scopes: [models:read], models: [tiny] }]
groups: [{ name: staff, roles: [reader], rpm: 60 }]
policies: [{ name: office, effect: require, target: { groups: [staff] }, conditions: { addresses: [127.0.0.0/8] } }]
clients: [{ name: nightly, grants: [client_credentials], scopes: ["inference:chat"], groups: [staff], accessTokenTtl: 5m }]
keys: [{ name: reads, groups: [staff] }]
`;

withGateway(
  'roles, groups, policies, clients and keys come in the order in which they need each other, once',
  async () => {
    const made = JSON.parse((await apply(WHOLE, ' --json')).out) as Applied;
    assert.deepEqual(
      made.plan.map(({ action, kind, name }) => `${action} ${kind} ${name}`),
      ['create role reader', 'create group staff', 'create policy office', 'create client nightly', 'create key reads'],
    );
    assert.match(made.clients[0]?.client_secret ?? '', /^spcs_/);
    const { key = '' } = made.keys[0] ?? {};
    assert.equal((await ask(gateway, { key, method: 'GET', path: '/v1/models' })).status, 200);
    assert.match((await apply(WHOLE)).out, /^Nothing to do/);
    const narrower = WHOLE.replace('[127.0.0.0/8]', '[198.51.100.0/24]').replace('rpm: 60', 'rpm: 30');
    const changed = JSON.parse((await apply(narrower, ' --json')).out) as Applied;
    assert.deepEqual(
      changed.plan.map(({ kind, fields }) => `${kind} ${fields.join()}`),
      ['group rpm', 'policy conditions'],
    );
    assert.equal((await ask(gateway, { key, method: 'GET', path: '/v1/models' })).code, 'condition_failed');
  },
);

withGateway('a name that means two keys is refused, as is a file that is not there', async () => {
  await gateway.issue({ name: 'twice' });
  await gateway.issue({ name: 'twice' });
  assert.match((await apply('keys: [{ name: twice }]')).err, /There are 2 API keys named twice/);
  assert.equal((await run('apply -f nothing.yaml')).exit, 1);
  assert.match((await run('apply')).err, /-f FILE is missing/);
});

withGateway(
  'where a step fails it is named, and the values of the keys made before it are shown all the same',
  async () => {
    const file =
      'tenants: [{ name: acme, models: [tiny] }]\nkeys: [{ name: a }, { name: b, tenant: acme, models: [other] }]';
    const ran = await apply(file, ' --json');
    assert.equal(ran.exit, 2);
    assert.match(ran.err, /^key b \(acme\): .*may use only: tiny\.\nThe steps before this one were made/);
    const { applied, keys } = JSON.parse(ran.out) as { applied: boolean; keys: { name: string; key: string }[] };
    assert.deepEqual([applied, keys.map(({ name }) => name)], [false, ['a']]);
    assert.equal((await ask(gateway, { key: keys[0]?.key ?? '' })).status, 200);
  },
);
