import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
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
  { pair, key, path = '/v1/models', agent }: { pair?: CertificateAndKey; key?: string; path?: string; agent?: Agent },
): Promise<string> {
  return new Promise((resolve, reject) => {
    request(
      `${it.url}${path}`,
      {
        agent: agent ?? false,
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

test('a certificate is the credential of the API key that is named for it, by a name of the right kind', async () => {
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

test('a certificate that is not valid is none', async () => {
  const { it } = await startMtls(bySan);
  await using _ = it;
  const names = [{ type: 'url', value: URI }] as const;
  assert.equal(await ask(it, { pair: await strangers.issue({ names }) }), 'missing_credential');
  assert.equal(await ask(it, { pair: await clientCa.issue({ names, lifeMs: -1_000 }) }), 'missing_credential');
  assert.equal(await ask(it, { pair: await clientCa.issue({ names, isForServers: true }) }), 'missing_credential');
});

test('a common name counts where it is the only one, and DNS names in any case', async () => {
  const { it, keyId } = await startMtls((key) => ({ principals: [{ subject: 'agent 7', key }] }));
  await using _ = it;
  assert.equal(await ask(it, { pair: await clientCa.issue({ subject: 'O=Example, CN=agent 7' }) }), '200');
  assert.equal(
    await ask(it, { pair: await clientCa.issue({ subject: 'CN=other, CN=agent 7' }) }),
    'missing_credential',
  );
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

test('a session that is resumed is still that of its certificate, and none comes by resumption of another', async () => {
  const { it } = await startMtls(bySan);
  await using _ = it;
  const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 });
  const pair = await withUri();
  for (let i = 0; i < 3; i++) assert.equal(await ask(it, { pair, agent }), '200');
  assert.equal(await ask(it, { agent }), 'missing_credential');
});

test('after the certificate of the gateway was swapped, clients are asked for theirs as before', async () => {
  const { it } = await startMtls(bySan);
  await using _ = it;
  const pair = await withUri();
  // Another CA in the file: the same swap as that of a renewed certificate, with the new CA.
  writeFileSync(clientCaFile, strangers.certPem);
  try {
    await reload(it, bySan([...it.gateway.admin.directory.apiKeys.keys()][0] ?? ''));
    for (let left = 50; (await ask(it, { pair })) !== 'missing_credential'; left--) assert.ok(left > 0);
    const names = [{ type: 'url', value: URI }] as const;
    assert.equal(await ask(it, { pair: await strangers.issue({ names }) }), '200');
  } finally {
    writeFileSync(clientCaFile, clientCa.certPem);
  }
});
