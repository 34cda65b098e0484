import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openStateDir } from '../../src/adapters/files/state-dir.ts';
import { decrypt } from '../../src/keyring/envelope.ts';
import { keyStore, lazyKeyring } from '../../src/gateway/keyring.ts';
import { startStore } from '../../src/gateway/threads/store-client.ts';
import { openSigningKeys } from '../../src/oauth/signing-keys.ts';
import { foundAtRest, seenSecrets, type SeenSecrets } from '../support/at-rest.ts';
import { peopleRun } from '../support/at-rest-people.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { fetchVia, PUBLIC_URL } from '../support/oauth.ts';

const ROOT_KEY = join('keys', 'root.key');

/** What a run leaves behind is searched for all that it has shown: add what your part shows to `run`. */
async function run(it: TestGateway, seen: SeenSecrets): Promise<void> {
  const { key } = await it.issue();
  seen.add('API key', key);
  await ask(it, { key });
  await clientCredentials(it, seen);
  await userGrants(it, seen);
  await peopleRun(it, seen);
}

/** What the issue names, each by what the run calls it (Done when 5). */
const KINDS = [
  'API key',
  'client secret',
  'client secret after its rotation',
  'access_token',
  'refresh_token',
  'authorization code',
  'code verifier',
  'device_code',
  'user_code',
  'request_uri',
  'invitation',
  'password',
  'login name',
  'TOTP seed',
  'recovery code',
  'cookie __Host-sallyport',
];
/** The gateway's own key at vLLM: it stands in the configuration and goes upstream, nowhere else. */
const UPSTREAM_KEY = randomBytes(32).toString('base64url');

interface Client {
  readonly client_id: string;
  readonly client_secret: string;
}

async function createClient(it: TestGateway, seen: SeenSecrets, words: string): Promise<Client> {
  const made = await sallyport(it.stateDir, `clients create --name n ${words} --scopes inference:chat --json`);
  assert.equal(made.exit, 0, made.err);
  const client = JSON.parse(made.out) as Client;
  seen.add('client secret', client.client_secret);
  return client;
}

/** Asks an endpoint of the authorization server, and notes what it shows. */
async function post(
  it: TestGateway,
  seen: SeenSecrets,
  path: string,
  { client_id, client_secret }: Client,
  form: Record<string, string>,
): Promise<Record<string, unknown>> {
  const answer = await fetchVia(it)(`${PUBLIC_URL}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
  });
  const text = await answer.text();
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  seen.addAnswer(answer, body);
  return body;
}

async function clientCredentials(it: TestGateway, seen: SeenSecrets): Promise<void> {
  const client = await createClient(it, seen, '--grants client_credentials');
  const { access_token: token } = await post(it, seen, '/oauth/token', client, { grant_type: 'client_credentials' });
  assert.equal((await ask(it, { key: String(token) })).status, 200);
  await post(it, seen, '/oauth/introspect', client, { token: String(token) });
  const rotated = await sallyport(it.stateDir, `clients rotate ${client.client_id} --overlap 1h --json`);
  const again = { ...client, ...(JSON.parse(rotated.out) as Client) };
  seen.add('client secret after its rotation', again.client_secret);
  await post(it, seen, '/oauth/token', again, { grant_type: 'client_credentials' });
  const revoked = await post(it, seen, '/oauth/token', again, { grant_type: 'client_credentials' });
  await post(it, seen, '/oauth/revoke', again, { token: String(revoked['access_token']) });
}

async function userGrants(it: TestGateway, seen: SeenSecrets): Promise<void> {
  const redirect = 'https://app.example.org/callback';
  const words = `--grants authorization_code,device_code --redirect-uri ${redirect}`;
  const client = await createClient(it, seen, words);
  await post(it, seen, '/oauth/device_authorization', client, { scope: 'inference:chat' });
  const verifier = randomBytes(32).toString('base64url');
  seen.add('code verifier', verifier);
  const state = randomBytes(16).toString('base64url');
  seen.add('state', state);
  const wish = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirect,
    scope: 'inference:chat',
    state,
    code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  };
  const { request_uri: uri } = await post(it, seen, '/oauth/par', client, wish);
  for (const query of [{ client_id: client.client_id, request_uri: String(uri) }, wish]) {
    const path = `/oauth/authorize?${new URLSearchParams(query).toString()}`;
    const answer = await fetchVia(it)(`${PUBLIC_URL}${path}`, { headers: { accept: 'text/html' } });
    assert.ok(answer.status < 400, `${answer.status} ${await answer.text()}`);
    seen.addAnswer(answer, {});
  }
}

/** The keys themselves, which no answer shows: taken out as only the holder of the root key can. */
async function addKeys(dir: string, seen: SeenSecrets): Promise<void> {
  const stateDir = openStateDir(dir);
  const nowMs = () => Date.now();
  const store = await startStore({ databasePath: stateDir.database, lockPath: stateDir.lock, lockWaitMs: 3_000 });
  try {
    const { artifacts } = store;
    const keyring = lazyKeyring({
      source: () => 'auto',
      stateDir,
      env: {},
      artifacts,
      randomBytes: (count) => randomBytes(count),
      nowMs,
    });
    const signingKeys = await openSigningKeys({ artifacts, sealer: await keyring.open(), nowMs });
    let members = 0;
    for (const { alg, privateJwk } of signingKeys.list())
      for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi'])
        if (typeof privateJwk[name] === 'string') {
          seen.add(`${name} of a signing key (${alg})`, privateJwk[name]);
          members += 1;
        }
    assert.ok(members >= 7, 'one of ES256, six of RS256');
    const root = Buffer.from(readFileSync(join(dir, ROOT_KEY), 'utf8'), 'base64');
    seen.add('root key', root);
    for (const { id, tenant, purpose, wrapped } of await keyStore(artifacts, nowMs).list())
      seen.add(`data key of ${purpose}`, decrypt(root, wrapped, JSON.stringify(['data-key', id, tenant, purpose])));
  } finally {
    await store.close();
  }
}

test('no secret of a run stands in the clear in database, write-ahead log, state directory, backup or log (Done when 5)', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: { listen: { publicUrl: PUBLIC_URL } },
    upstreams: [{ name: 'simulator', apiKey: UPSTREAM_KEY }],
  });
  const backups = mkdtempSync(join(tmpdir(), 'sallyport-backup-'));
  const seen = seenSecrets();
  try {
    await run(it, seen);
    const kinds = new Set(seen.all.map(({ what }) => what));
    for (const what of KINDS) assert.ok(kinds.has(what), `${what} was seen`);
    assert.deepEqual(foundAtRest(seen, backups, { upstream: JSON.stringify(it.simulator.received()) }), []);
    seen.add('key for upstream', UPSTREAM_KEY);
    const search = () => [
      ...foundAtRest(seen, it.stateDir, { log: it.log.join('\n') }, [ROOT_KEY]),
      ...foundAtRest(seen, backups),
    ];
    // While it runs most of it is in the write-ahead log.
    await backUp(it.stateDir, join(backups, 'copy.db'));
    assert.deepEqual(search(), []);
    await it.gateway.stop();
    await addKeys(it.stateDir, seen);
    assert.deepEqual(search(), []);
    plant(it.stateDir, seen);
    const found = search();
    for (const { what } of seen.all) assert.ok(found.includes(`${what} in sallyport.db, as it is`), what);
  } finally {
    rmSync(backups, { recursive: true });
  }
});

/** A copy of the database while it is in use. */
async function backUp(stateDir: string, to: string): Promise<void> {
  const db = new DatabaseSync(join(stateDir, 'sallyport.db'), { readOnly: true, timeout: 3_000 });
  try {
    await backup(db, to);
  } finally {
    db.close();
  }
}

/** Writes down in the clear what must not stand there: a search that then finds nothing has looked in vain before. */
function plant(stateDir: string, seen: SeenSecrets): void {
  const db = new DatabaseSync(join(stateDir, 'sallyport.db'));
  try {
    db.exec('CREATE TABLE planted (value BLOB)');
    const insert = db.prepare('INSERT INTO planted VALUES (?)');
    for (const { value } of seen.all) insert.run(Buffer.from(value));
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
}

test('what stands in the clear is found, in whatever form', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-at-rest-'));
  try {
    const seen = seenSecrets();
    const secret = randomBytes(32);
    const text = secret.toString('base64url');
    seen.add('text', text);
    seen.add('bytes', secret);
    for (const [form, content] of Object.entries({
      'as it is': text,
      decoded: secret,
      'in hexadecimal': secret.toString('hex'),
      'in other hexadecimal': secret.toString('hex').toUpperCase(),
      'its first half': text.slice(0, 21),
      'its second half': text.slice(21),
      'as in an address': [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join(''),
      'in base64, of the text': Buffer.from(`{"a":"${text}"}`).toString('base64'),
      'in base64, of the bytes': Buffer.concat([Buffer.from('x'), secret, Buffer.from('y')]).toString('base64'),
      'in base64url': Buffer.concat([Buffer.from('xx'), secret]).toString('base64url'),
    })) {
      writeFileSync(join(dir, 'file'), Buffer.concat([randomBytes(7), Buffer.from(content), randomBytes(7)]));
      assert.notDeepEqual(foundAtRest(seen, dir), [], form);
      assert.deepEqual(foundAtRest(seen, dir, {}, ['file']), []);
    }
    writeFileSync(join(dir, 'file'), randomBytes(200));
    assert.deepEqual(foundAtRest(seen, dir), []);
    assert.deepEqual(foundAtRest(seen, dir, { log: `x ${text}` })[0], 'text in log, as it is');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
