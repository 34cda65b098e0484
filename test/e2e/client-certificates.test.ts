import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CertificateAndKey } from '../../src/adapters/tls/self-signed.ts';
import { createClientCa, type ClientCa } from '../support/client-certificates.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

/** Callers that show who they are by a certificate. */
let dir: string;
let clientCa: ClientCa;
let strangers: ClientCa;
let clientCaFile: string;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-mtls-'));
  clientCa = await createClientCa();
  strangers = await createClientCa();
  clientCaFile = join(dir, 'client-ca.pem');
  writeFileSync(clientCaFile, clientCa.certPem);
});
after(() => rmSync(dir, { recursive: true, force: true }));

/** A gateway whose certificate principals are named once their keys exist: what a reload is for. */
async function startMtls(mtls: (keyId: string) => object) {
  const it = await startTestGateway({ config: { listen: { tls: { clientCaFile } } } });
  const { key, record } = await it.issue();
  await reload(it, mtls(record.id));
  return { it, key, keyId: record.id };
}

async function reload(it: TestGateway, mtls: object): Promise<void> {
  const { loadConfig } = await import('../../src/config/load.ts');
  const loaded = loadConfig({
    env: {},
    overrides: {
      listen: { host: '127.0.0.1', port: 0, tls: { clientCaFile } },
      admin: { port: 0 },
      workers: 1,
      upstreams: [{ name: 'simulator', url: it.simulator.url }],
      authentication: { mtls },
    },
  });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  await it.gateway.reload(loaded.config);
}

/** Asks for the models; the status, or the code of a refusal. */
function ask(
  it: TestGateway,
  { pair, key, path = '/v1/models' }: { pair?: CertificateAndKey; key?: string; path?: string },
): Promise<string> {
  return new Promise((resolve, reject) => {
    request(
      `${it.url}${path}`,
      {
        agent: false,
        ...(it.ca === undefined ? {} : { ca: it.ca }),
        ...(pair === undefined ? {} : { cert: pair.certPem, key: pair.keyPem }),
        ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
      },
      (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => {
          const { error } = JSON.parse(text) as { error?: { code?: string } };
          resolve(error?.code ?? String(response.statusCode));
        });
      },
    )
      .on('error', reject)
      .end();
  });
}

const URI = 'spiffe://example.org/agent';
const bySan = (key: string) => ({ principals: [{ san: URI, key }] });
const withUri = () => clientCa.issue({ names: [{ type: 'url', value: URI }] });

test('a client CA alone asks for a certificate and requires none', async () => {
  await using it = await startTestGateway({ config: { listen: { tls: { clientCaFile } } } });
  const { key } = await it.issue();
  assert.equal(await ask(it, { key }), '200');
  assert.equal(await ask(it, { key, pair: await clientCa.issue({}) }), '200');
  assert.equal(await ask(it, { key, pair: await strangers.issue({}) }), '200');
  assert.equal(await ask(it, { pair: await clientCa.issue({}) }), 'missing_credential');
  assert.equal(await ask(it, {}), 'missing_credential');
});

test('MT-04 a certificate is the credential of the API key that is named for it, by a name of the right kind', async () => {
  const { it, key } = await startMtls(bySan);
  await using _ = it;
  assert.equal(await ask(it, { pair: await withUri() }), '200');
  assert.equal(await ask(it, { pair: await withUri(), key }), '200');
  for (const names of [
    [{ type: 'url', value: `${URI}/other` }],
    [{ type: 'dns', value: 'spiffe://example.org/agent' }],
    [{ type: 'email', value: URI }],
  ] as const) {
    assert.equal(await ask(it, { pair: await clientCa.issue({ names }) }), 'missing_credential', JSON.stringify(names));
  }
  // A subject that says so is no such name.
  assert.equal(await ask(it, { pair: await clientCa.issue({ subject: `CN=${URI}` }) }), 'missing_credential');
});

test('MT-04 a certificate that is not valid is none', async () => {
  const { it } = await startMtls(bySan);
  await using _ = it;
  const names = [{ type: 'url', value: URI }] as const;
  assert.equal(await ask(it, { pair: await strangers.issue({ names }) }), 'missing_credential');
  assert.equal(await ask(it, { pair: await clientCa.issue({ names, lifeMs: -1_000 }) }), 'missing_credential');
  assert.equal(await ask(it, { pair: await clientCa.issue({ names, isForServers: true }) }), 'missing_credential');
});

test('a certificate of the client CA that cannot be taken apart is none, and ends nothing but its own wish', async () => {
  const { it, key } = await startMtls(() => ({ required: true }));
  await using _ = it;
  const odd = await clientCa.issue({ isOdd: true });
  for (let i = 0; i < 3; i++) assert.equal(await ask(it, { key, pair: odd }), 'missing_credential');
  assert.equal(await ask(it, { key, pair: await clientCa.issue({}) }), '200');
  assert.doesNotMatch(it.log.join('\n'), /worker_replaced/);
});

test('a common name counts where it is the only one, and DNS names in any case', async () => {
  const { it, keyId } = await startMtls((key) => ({ principals: [{ subject: 'agent 7', key }] }));
  await using _ = it;
  assert.equal(await ask(it, { pair: await clientCa.issue({ subject: 'O=Example, CN=agent 7' }) }), '200');
  for (const subject of ['CN=other, CN=agent 7', 'CN=agent 7, CN=other']) {
    assert.equal(await ask(it, { pair: await clientCa.issue({ subject }) }), 'missing_credential', subject);
  }
  assert.equal(await ask(it, { pair: await clientCa.issue({ subject: 'CN=Agent 7' }) }), 'missing_credential');
  await reload(it, { principals: [{ san: 'Agent.example.org', key: keyId }] });
  const names = [{ type: 'dns', value: 'agent.EXAMPLE.org' }] as const;
  assert.equal(await ask(it, { pair: await clientCa.issue({ names }) }), '200');
});

test('a certificate and a key of two principals are ambiguous, said only to who has shown both', async () => {
  const { it } = await startMtls(bySan);
  await using _ = it;
  const other = await it.issue();
  assert.equal(await ask(it, { pair: await withUri(), key: other.key }), 'ambiguous_credential');
  assert.equal(await ask(it, { pair: await withUri(), key: `${other.key}x` }), 'invalid_credential');
});

test('a certificate that two principals are named for is ambiguous', async () => {
  const { it, keyId } = await startMtls(bySan);
  await using _ = it;
  const { record } = await it.issue();
  await reload(it, {
    principals: [
      { san: URI, key: keyId },
      { subject: 'client', key: record.id },
    ],
  });
  assert.equal(await ask(it, { pair: await withUri() }), 'ambiguous_credential');
});

test('what the key may not do any more, its certificate may not either', async () => {
  const { it, keyId } = await startMtls(bySan);
  await using _ = it;
  const pair = await withUri();
  assert.equal(await ask(it, { pair }), '200');
  const key = it.gateway.admin.directory.apiKeys.get(keyId) ?? assert.fail();
  const record = { ...key, state: 'revoked' as const, version: key.version + 1 };
  await it.gateway.admin.commit([{ kind: 'api-key', record, expectedVersion: key.version }]);
  assert.equal(await ask(it, { pair }), 'revoked_credential');
});

test('a certificate for a key that is not there is invalid', async () => {
  const { it } = await startMtls(() => ({ principals: [{ san: URI, key: 'ZZZZZZ' }] }));
  await using _ = it;
  assert.equal(await ask(it, { pair: await withUri() }), 'invalid_credential');
});

test('where certificates are required a key alone is not enough, a certificate alone only where one is named, and health answers', async () => {
  const { it, key } = await startMtls(() => ({ required: true }));
  await using _ = it;
  assert.equal(await ask(it, { key }), 'missing_credential');
  assert.equal(await ask(it, { key, pair: await strangers.issue({}) }), 'missing_credential');
  assert.equal(await ask(it, { key, pair: await clientCa.issue({}) }), '200');
  assert.equal(await ask(it, { pair: await clientCa.issue({}) }), 'missing_credential');
  assert.equal(await ask(it, { path: '/readyz' }), '200');
});

/** Asks on a connection that resumes a session; the status or code, whether it was resumed, and the next session. */
function askAgain(it: TestGateway, pair: CertificateAndKey | undefined, session: Buffer | undefined) {
  return new Promise<{ answer: string; isResumed: boolean; session: Buffer | undefined }>((resolve, reject) => {
    const socket = connect({
      port: it.port,
      host: '127.0.0.1',
      ...(it.ca === undefined ? {} : { ca: it.ca }),
      ...(pair === undefined ? {} : { cert: pair.certPem, key: pair.keyPem }),
      ...(session === undefined ? {} : { session }),
    });
    let [text, next, isResumed] = ['', session, false];
    socket.on('secureConnect', () => (isResumed = socket.isSessionReused()));
    socket.on('session', (one: Buffer) => (next = one));
    socket.on('data', (part: Buffer) => (text += part.toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      const code = /"code":"(\w+)"/.exec(text)?.[1];
      resolve({ answer: code ?? text.split(' ')[1] ?? '', isResumed, session: next });
    });
    socket.write('GET /v1/models HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  });
}

test('MT-05 a session that is resumed is still that of its certificate, and one without is still without', async () => {
  const { it } = await startMtls(bySan);
  await using _ = it;
  const pair = await withUri();
  const first = await askAgain(it, pair, undefined);
  assert.deepEqual([first.answer, first.isResumed], ['200', false]);
  const second = await askAgain(it, undefined, first.session);
  assert.deepEqual([second.answer, second.isResumed], ['200', true]);
  const stranger = await askAgain(it, await strangers.issue({ names: [{ type: 'url', value: URI }] }), undefined);
  const again = await askAgain(it, pair, stranger.session);
  assert.deepEqual([again.answer, again.isResumed], ['missing_credential', true]);
});

test('another client CA counts after a reload, and no session that began with the old one is resumed', async () => {
  const { it, keyId } = await startMtls(bySan);
  await using _ = it;
  const pair = await withUri();
  const { answer, session } = await askAgain(it, pair, undefined);
  assert.equal(answer, '200');
  writeFileSync(clientCaFile, strangers.certPem);
  try {
    await reload(it, bySan(keyId));
    for (let left = 50; (await ask(it, { pair })) !== 'missing_credential'; left--) assert.ok(left > 0);
    const resumed = await askAgain(it, pair, session);
    assert.deepEqual([resumed.answer, resumed.isResumed], ['missing_credential', false]);
    const names = [{ type: 'url', value: URI }] as const;
    assert.equal(await ask(it, { pair: await strangers.issue({ names }) }), '200');
  } finally {
    writeFileSync(clientCaFile, clientCa.certPem);
  }
});

test('a connection that began with a certificate of the old client CA is nobody by it after the new one counts', async () => {
  const { it, keyId } = await startMtls(bySan);
  await using _ = it;
  const open = await openConnection(it, await withUri());
  assert.equal(await open.answer(), '200');
  writeFileSync(clientCaFile, strangers.certPem);
  try {
    await reload(it, bySan(keyId));
    for (let left = 50; (await ask(it, { pair: await withUri() })) !== 'missing_credential'; left--)
      assert.ok(left > 0);
    assert.match(await open.answer(), /^(missing_credential|closed)$/);
  } finally {
    open.end();
    writeFileSync(clientCaFile, clientCa.certPem);
  }
});

/** A connection that stays open; each answer on it as a status or a code, `closed` where there is none. */
function openConnection(it: TestGateway, pair: CertificateAndKey) {
  return new Promise<{ answer: () => Promise<string>; end: () => void }>((resolve, reject) => {
    const ca = it.ca === undefined ? {} : { ca: it.ca };
    const socket = connect({ port: it.port, host: '127.0.0.1', ...ca, cert: pair.certPem, key: pair.keyPem });
    socket.on('error', reject);
    const answer = () =>
      new Promise<string>((answered) => {
        socket.once('close', () => answered('closed'));
        socket.once('data', (part: Buffer) => {
          const text = part.toString();
          answered(/"code":"(\w+)"/.exec(text)?.[1] ?? text.split(' ')[1] ?? '');
        });
        if (socket.destroyed) return answered('closed');
        socket.write('GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n');
      });
    socket.once('secureConnect', () => resolve({ answer, end: () => socket.destroy() }));
  });
}

test('a client CA file that holds none is refused at a reload, and the old one stays', async () => {
  const { it, keyId, key } = await startMtls(bySan);
  await using _ = it;
  const { certPem } = await clientCa.issue({});
  try {
    for (const [text, words] of [
      ['nothing', /holds no PEM certificate/],
      [certPem, /holds a certificate that is no CA/],
    ] as const) {
      writeFileSync(clientCaFile, text);
      await assert.rejects(reload(it, bySan(keyId)), words);
    }
    assert.equal(await ask(it, { key }), '200');
  } finally {
    writeFileSync(clientCaFile, clientCa.certPem);
  }
});
