import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
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
import { startTestGateway } from '../support/gateway.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { runOfEverything } from '../support/run-of-everything.ts';

const ROOT_KEY = join('keys', 'root.key');

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
    await runOfEverything(it, seen);
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
