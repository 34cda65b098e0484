import '../../tls/reflect-metadata.ts'; // before the next line, which asks for it while it loads
import * as x509 from '@peculiar/x509';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort } from '../../../../test/support/free-port.ts';
import { systemClock } from '../../../kernel/clock.ts';
import { createDnsSolver, txtRecord } from './dns-01.ts';
import { createHttpSolver } from './http-01.ts';
import { createRecordDrop } from './record-drop.ts';
import { createAlpnCertificate } from './tls-alpn-01.ts';

const ANSWER = { name: 'llm.example.org', token: 'a'.repeat(43), keyAuthorization: `${'a'.repeat(43)}.thumb` };

function get(port: number, path: string, method = 'GET'): Promise<{ status: number; location?: string; text: string }> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, method, agent: false }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => {
        const { location } = response.headers;
        resolve({ status: response.statusCode ?? 0, text, ...(location === undefined ? {} : { location }) });
      });
    })
      .on('error', reject)
      .end();
  });
}

test('HTTP-01 answers the tokens that are presented, sends the rest to the public URL, and forgets what is withdrawn', async (context) => {
  const port = await freePort();
  const solver = createHttpSolver({ host: '127.0.0.1', port, publicUrl: 'https://llm.example.org' });
  context.after(() => solver.stop());
  await solver.present([ANSWER]);
  const path = `/.well-known/acme-challenge/${ANSWER.token}`;
  assert.deepEqual(await get(port, path), { status: 200, text: ANSWER.keyAuthorization });
  assert.equal((await get(port, `${path}x`)).status, 404);
  assert.equal((await get(port, path, 'POST')).status, 405);
  assert.equal((await get(port, '/v1/models?a=1')).location, 'https://llm.example.org/v1/models?a=1');
  assert.equal((await get(port, '/v1/models')).status, 308);
  // Nothing of what is asked can lead to another host.
  assert.equal((await get(port, '//evil.example/')).location, 'https://llm.example.org//evil.example/');
  assert.equal((await get(port, '/@evil.example')).status, 404);
  assert.equal((await get(port, 'http://evil.example/')).status, 404);
  await solver.withdraw();
  assert.equal((await get(port, path)).status, 404);
});

test('HTTP-01 sends people to the public URL also while nothing is presented', async (context) => {
  const port = await freePort();
  const solver = createHttpSolver({ host: '127.0.0.1', port, publicUrl: 'https://llm.example.org' });
  context.after(() => solver.stop());
  await Promise.all([solver.open(), solver.open()]);
  assert.equal((await get(port, '/')).location, 'https://llm.example.org/');
});

test('HTTP-01 answers a CA also while others hold more connections than there may be', async (context) => {
  const port = await freePort();
  const solver = createHttpSolver({ host: '127.0.0.1', port, publicUrl: 'https://llm.example.org' });
  context.after(() => solver.stop());
  await solver.present([ANSWER]);
  const held = Array.from({ length: 150 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  context.after(() => held.forEach((socket) => socket.destroy()));
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  const path = `/.well-known/acme-challenge/${ANSWER.token}`;
  assert.deepEqual(await get(port, path), { status: 200, text: ANSWER.keyAuthorization });
});

test('a port for HTTP-01 that is taken is said with the way out', async (context) => {
  const other = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  context.after(() => void other.close());
  const solver = createHttpSolver({ host: '127.0.0.1', port, publicUrl: 'https://x' });
  await assert.rejects(solver.present([ANSWER]), /port \d+ is taken.*use challenge tls-alpn-01/);
});

test('the certificate of TLS-ALPN-01 is for one name and holds the digest in a critical extension (RFC 8737 §3)', async () => {
  const { certPem, name } = await createAlpnCertificate({ ...ANSWER, name: 'LLM.example.org' }, Date.now());
  assert.equal(name, 'llm.example.org');
  const extension = new x509.X509Certificate(certPem).getExtension('1.3.6.1.5.5.7.1.31');
  const digest = createHash('sha256').update(ANSWER.keyAuthorization).digest();
  assert.equal(extension?.critical, true);
  assert.deepEqual(Buffer.from(extension.value), Buffer.concat([Buffer.from([4, 32]), digest]));
});

test('the record of DNS-01 is the digest of the key authorization, and a name that is none goes nowhere', () => {
  assert.deepEqual(txtRecord(ANSWER), {
    name: '_acme-challenge.llm.example.org',
    value: createHash('sha256').update(ANSWER.keyAuthorization).digest('base64url'),
  });
  for (const name of ['../../etc/passwd', 'a b', '', '-x', 'x;id', 'a..b'])
    assert.throws(() => txtRecord({ ...ANSWER, name }), /none/);
});

function dropIn(context: TestContext, resolveTxt: (name: string) => Promise<string[]>, patienceMs = 5_000) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-drop-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const drop = createRecordDrop({ folder, resolveTxt, clock: systemClock, everyMs: 5, patienceMs });
  return { solver: createDnsSolver(drop), file: join(folder, '_acme-challenge.llm.example.org.txt'), folder };
}

test('a dropped record is a file until the resolver sees it, one line for each value, and goes when it is withdrawn', async (context) => {
  const published: string[] = [];
  const { solver, file } = dropIn(context, () => {
    published.push(readFileSync(file, 'utf8'));
    return Promise.resolve(published.at(-1)?.trim().split('\n') ?? []);
  });
  await solver.present([ANSWER, { ...ANSWER, keyAuthorization: 'other' }]);
  assert.equal(readFileSync(file, 'utf8').split('\n').length, 3);
  await solver.withdraw();
  assert.equal(existsSync(file), false);
});

test('whoever publishes a record can say that it is done', async (context) => {
  const { solver, folder } = dropIn(context, () => {
    writeFileSync(join(folder, '_acme-challenge.llm.example.org.done'), '');
    return Promise.resolve([]);
  });
  await solver.present([ANSWER]);
});

test('a record that nobody publishes is said with its file, and a folder that is not there with its mend', async (context) => {
  const { solver, folder } = dropIn(context, () => Promise.resolve([]), 20);
  await assert.rejects(solver.present([ANSWER]), /nobody published the TXT record _acme-challenge\.llm\.example\.org/);
  rmSync(folder, { recursive: true });
  await assert.rejects(solver.present([ANSWER]), /cannot be written \(ENOENT\): make the folder/);
  await solver.withdraw();
});
