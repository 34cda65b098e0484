import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CertificateAndKey } from '../../src/adapters/tls/self-signed.ts';
import { createClientCa } from '../support/client-certificates.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { CHAT } from '../support/http.ts';

/** Sends a form or a chat with a client certificate, or without one. */
function send(
  it: TestGateway,
  pair: CertificateAndKey | undefined,
  path: string,
  body: string,
  headers: Record<string, string>,
): Promise<{ status: number; json: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const tls = pair === undefined ? {} : { cert: pair.certPem, key: pair.keyPem };
    const outgoing = request(
      `${it.url}${path}`,
      { method: 'POST', agent: false, ca: it.ca, ...tls, headers: { 'content-length': body.length, ...headers } },
      (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) as Record<string, unknown> });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

test('CA-07 CA-08 MT-01 a client that shows a certificate gets tokens for that one alone', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-mtls-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const ca = await createClientCa();
  const clientCaFile = join(dir, 'ca.pem');
  writeFileSync(clientCaFile, ca.certPem);
  const named = (name: string) => ca.issue({ subject: `CN=${name}`, names: [{ type: 'dns', value: name }] });
  const [own, renewed, stranger] = [
    await named('job.example.org'),
    await named('job.example.org'),
    await ca.issue({ subject: 'CN=job.example.org', names: [{ type: 'dns', value: 'other.example.org' }] }),
  ];
  await using it = await startTestGateway({ config: { listen: { tls: { clientCaFile } } } });
  const create = (line: string) =>
    sallyport(it.stateDir, `clients create --name one ${line} --scopes inference:chat --models tiny --json`);
  const made = await create(
    '--grants client_credentials --auth tls_client_auth --certificate-name dns:job.example.org',
  );
  assert.equal(made.exit, 0, made.err);
  const { client_id: id, client_secret: secret } = JSON.parse(made.out) as Record<string, string | null>;
  assert.equal(secret, null);
  const form = `grant_type=client_credentials&client_id=${id}`;
  const token = (pair: CertificateAndKey | undefined) =>
    send(it, pair, '/oauth/token', form, { 'content-type': 'application/x-www-form-urlencoded' });

  const given = await token(own);
  assert.equal(given.status, 200, JSON.stringify(given.json));
  for (const pair of [undefined, stranger]) assert.equal((await token(pair)).json['error'], 'invalid_client');

  // The token is bound to the very certificate (RFC 8705 §3): a newer one of the same name will not do.
  const access = String(given.json['access_token']);
  const claims = JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
  const chat = async (pair: CertificateAndKey | undefined) => {
    const headers = { authorization: `Bearer ${access}`, 'content-type': 'application/json' };
    return (await send(it, pair, '/v1/chat/completions', JSON.stringify(CHAT), headers)).status;
  };
  assert.ok('cnf' in claims, JSON.stringify(claims));
  assert.deepEqual([await chat(own), await chat(renewed), await chat(undefined)], [200, 401, 401]);

  const open = await create('--grants client_credentials --auth none');
  assert.equal(open.exit, 2, 'who shows nothing gets nothing for itself');
});
