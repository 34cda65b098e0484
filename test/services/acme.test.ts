import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { freePort } from '../support/free-port.ts';
import { startProduct, type Product } from '../support/product.ts';
import { startPebble, type Pebble } from './acme/pebble.ts';

/** The product with a real CA: what a person does who has a name and wants a certificate. */
const NAME = 'llm.example.test';

/** A state directory and a configuration for this CA. */
function setUp(context: TestContext, pebble: Pebble, acme: string, names = NAME) {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-acme-'));
  context.after(() => rmSync(dir, { recursive: true, force: true }));
  const config = join(dir, 'sallyport.yaml');
  writeFileSync(
    config,
    `listen:
  publicUrl: https://${NAME}
  tls:
    mode: acme
    acme: { directory: "${pebble.directory}", email: ops@example.test, names: [${names}], ${acme} }
`,
  );
  return { dir, config };
}

async function start(
  context: TestContext,
  pebble: Pebble,
  { dir, config }: { dir: string; config: string },
  words: string[],
): Promise<Product> {
  const product = await startProduct(['--config', config, '--workers', '2', ...words], join(dir, 'state'), {
    NODE_EXTRA_CA_CERTS: pebble.apiCaFile,
  });
  context.after(() => void product.child.kill('SIGKILL'));
  return product;
}

/** Waits for a line of the log. */
async function line(product: Product, wanted: RegExp, count = 1): Promise<string> {
  for (let left = 600; left > 0; left--) {
    const found = product.lines.filter((one) => wanted.test(one));
    if (found.length >= count) return found.at(-1) ?? '';
    await sleep(50);
  }
  throw new Error(`no ${wanted} in:\n${product.lines.filter((one) => !one.includes('"request"')).join('\n')}`);
}

/** The certificate that a caller sees who trusts the root of the CA. */
function certificateAt(port: number, rootPem: string, servername = NAME): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername, ca: rootPem }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new Error('no certificate'));
      else resolve(certificate);
    });
    socket.on('error', reject);
  });
}

const namesOf = ({ subjectAltName = '' }: X509Certificate): string[] =>
  subjectAltName
    .split(', ')
    .map((name) => name.replace('DNS:', ''))
    .sort();

const ISSUED = /"event":"certificate"/;

for (const { kind, acme, names } of [
  {
    kind: 'HTTP-01',
    names: `${NAME}, api.example.test`,
    acme: ({ httpPort }: Pebble) => `challenge: http-01, httpPort: ${httpPort}`,
  },
  { kind: 'TLS-ALPN-01', names: `${NAME}, api.example.test`, acme: () => 'challenge: tls-alpn-01' },
] as const) {
  test(`a CA that refuses a third of the nonces issues by ${kind}; a restart serves the stored certificate`, async (context) => {
    const port = await freePort();
    await using pebble = await startPebble({ nonceReject: 30, tlsPort: port });
    const it = setUp(context, pebble, acme(pebble), names);
    const first = await start(context, pebble, it, ['--listen', `127.0.0.1:${port}`]);
    await line(first, ISSUED);
    const seen = await certificateAt(port, pebble.rootPem);
    assert.deepEqual(namesOf(seen), ['api.example.test', 'llm.example.test']);
    assert.equal((await certificateAt(port, pebble.rootPem, 'api.example.test')).serialNumber, seen.serialNumber);
    assert.equal(await first.end(), 0);
    const folder = join(it.dir, 'state', 'keys', 'acme');
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
    }
    const again = await start(context, pebble, it, ['--listen', `127.0.0.1:${port}`]);
    assert.equal((await certificateAt(port, pebble.rootPem)).serialNumber, seen.serialNumber);
    await sleep(500);
    assert.equal(
      again.lines.some((one) => one.includes('is asked for')),
      false,
    );
    assert.equal(await again.end(), 0);
    assert.match(pebble.output(), /JWS has an invalid anti-replay nonce|badNonce|nonce/i);
  });
}

test('a wildcard is issued by DNS-01 with records that are dropped as files', async (context) => {
  const port = await freePort();
  await using pebble = await startPebble();
  const drop = mkdtempSync(join(tmpdir(), 'sallyport-drop-'));
  context.after(() => rmSync(drop, { recursive: true, force: true }));
  const it = setUp(context, pebble, `challenge: dns-01, hook: "drop:${drop}"`, '"*.example.test", example.test');
  const product = await start(context, pebble, it, ['--listen', `127.0.0.1:${port}`]);
  // What an operator's own program does: publish what it finds, and say so.
  const publisher = setInterval(() => {
    for (const file of readdirSync(drop).filter((name) => name.endsWith('.txt'))) {
      const name = file.slice(0, -'.txt'.length);
      pebble.dns.txt.set(name, readFileSync(join(drop, file), 'utf8').trim().split('\n'));
      writeFileSync(join(drop, `${name}.done`), '');
    }
  }, 50);
  await line(product, ISSUED);
  clearInterval(publisher);
  const seen = await certificateAt(port, pebble.rootPem, 'any.example.test');
  assert.deepEqual(namesOf(seen), ['*.example.test', 'example.test']);
  assert.deepEqual(
    readdirSync(drop).filter((name) => name.endsWith('.txt')),
    [],
  );
  assert.equal(await product.end(), 0);
});

test('a certificate is issued by DNS-01 with a hook that runs outside the sandbox', async (context) => {
  const port = await freePort();
  await using pebble = await startPebble();
  const it = setUp(context, pebble, `challenge: dns-01, hook: ${join(tmpdir(), 'placeholder')}`);
  const published = join(it.dir, 'published');
  mkdirSync(published);
  const hook = join(it.dir, 'hook.sh');
  writeFileSync(
    hook,
    `#!/bin/sh\necho noise\n[ "$1" = add ] && printf %s "$3" > "${published}/$2" || rm "${published}/$2"\n`,
  );
  chmodSync(hook, 0o700);
  writeFileSync(it.config, readFileSync(it.config, 'utf8').replace(join(tmpdir(), 'placeholder'), hook));
  Object.assign(pebble.dns.txt, {
    get: (name: string) =>
      existsSync(join(published, name)) ? [readFileSync(join(published, name), 'utf8')] : undefined,
  });
  const product = await start(context, pebble, it, ['--listen', `127.0.0.1:${port}`]);
  await line(product, ISSUED);
  assert.equal((await certificateAt(port, pebble.rootPem)).subjectAltName, `DNS:${NAME}`);
  assert.deepEqual(readdirSync(published), []);
  assert.equal(await product.end(), 0);
});

test('a CA that looks where nothing is says so with the mend, and the gateway serves its own certificate', async (context) => {
  const port = await freePort();
  await using pebble = await startPebble();
  const it = setUp(context, pebble, 'challenge: tls-alpn-01');
  const product = await start(context, pebble, it, ['--listen', `127.0.0.1:${port}`]);
  const said = await line(product, /no certificate from the CA/);
  assert.match(
    said,
    /llm\.example\.test: the CA did not see the answer of this gateway .*let the internet reach port 443, forwarded to port/,
  );
  assert.ok(product.lines.some((one) => one.includes('"level":"warn"') && one.includes('connects to port 443 of')));
  assert.match(said, /Next try at \d{4}-/);
  const ca = readFileSync(join(it.dir, 'state', 'ca.pem'), 'utf8');
  const seen = await certificateAt(port, ca, 'localhost');
  assert.match(seen.issuer, /Sallyport CA/);
  assert.equal(await product.end(), 0);
});

/** One stream through the gateway: how many events came, and whether it ended as it must. */
function stream(port: number, key: string): Promise<{ events: number; isWhole: boolean }> {
  const body = JSON.stringify({
    model: 'tiny',
    messages: [{ role: 'user', content: 'hi' }],
    max_tokens: 60,
    stream: true,
  });
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path: '/v1/chat/completions',
        method: 'POST',
        agent: false,
        rejectUnauthorized: false,
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ events: text.split('data: ').length - 1, isWhole: text.trimEnd().endsWith('data: [DONE]') }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

test('a certificate is renewed under 100 open streams and none is cut', async (context) => {
  const simulator = await startSimulator({
    host: '127.0.0.1',
    port: 0,
    models: ['tiny'],
    chunkIntervalMs: 150,
    answerTokens: 60,
  });
  context.after(() => simulator.close());
  const port = await freePort();
  await using pebble = await startPebble({ tlsPort: port });
  const it = setUp(context, pebble, 'challenge: tls-alpn-01');
  const product = await start(context, pebble, it, ['--listen', `127.0.0.1:${port}`, '--upstream', simulator.url]);
  await line(product, ISSUED);
  const before = await certificateAt(port, pebble.rootPem);
  const key = (
    JSON.parse(product.command('keys', 'create', '--name', 'k', '--json', '--concurrency', '200')) as { key: string }
  ).key;
  const streams = Array.from({ length: 100 }, () => stream(port, key));
  let open = 100;
  for (const one of streams) void one.finally(() => open--).catch(() => undefined);
  await sleep(2_000);
  assert.equal(open, 100);
  await pebble.renewNow(before.toString());
  product.child.kill('SIGHUP');
  await line(product, ISSUED, 2);
  const after = await certificateAt(port, pebble.rootPem);
  assert.notEqual(after.serialNumber, before.serialNumber);
  assert.equal(open, 100, 'all streams were open when the certificate changed');
  const ended = await Promise.all(streams);
  assert.equal(ended.filter(({ isWhole }) => isWhole).length, 100);
  assert.equal(new Set(ended.map(({ events }) => events)).size, 1);
  assert.equal(await product.end(), 0);
});
