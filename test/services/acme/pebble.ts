import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCa, createLeaf } from '../../../src/adapters/tls/self-signed.ts';
import { freePort } from '../../support/free-port.ts';
import { startDnsResponder, type DnsResponder } from './dns-responder.ts';

/** A real CA that is running: pebble, of Let's Encrypt. */
export interface Pebble extends AsyncDisposable {
  readonly directory: string;
  /** What trusts its API: for NODE_EXTRA_CA_CERTS. */
  readonly apiCaFile: string;
  /** The root of the certificates that it issues. */
  readonly rootPem: string;
  /** Where it looks at challenges. */
  readonly httpPort: number;
  readonly tlsPort: number;
  readonly dns: DnsResponder;
  /** Makes it say by ARI that this certificate should have been renewed an hour ago. */
  renewNow(certPem: string): Promise<void>;
  /** What it printed. */
  readonly output: () => string;
}

/** How it behaves. */
export interface PebbleOptions {
  /** Percent of good nonces that it refuses. */
  readonly nonceReject?: number;
  /** Life of a certificate. */
  readonly validityS?: number;
  /** Port that it looks at for TLS-ALPN-01. */
  readonly tlsPort?: number;
}

/** Starts pebble (`PEBBLE` is its path) with one profile and a name server of the test's own. */
export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const binary = process.env['PEBBLE'] ?? 'pebble';
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-pebble-'));
  const dns = await startDnsResponder();
  const [api, management, httpPort] = [await freePort(), await freePort(), await freePort()];
  const tlsPort = options.tlsPort ?? (await freePort());
  const ca = await createCa(Date.now());
  const leaf = await createLeaf(ca, ['127.0.0.1', 'localhost'], Date.now());
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const apiCaFile = file('api-ca.pem', ca.certPem);
  const config = file(
    'pebble.json',
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${api}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: file('api.pem', leaf.certPem),
        privateKey: file('api.key', leaf.keyPem),
        httpPort,
        tlsPort,
        ocspResponderURL: '',
        externalAccountBindingRequired: false,
        retryAfter: { authz: 1, order: 1 },
        keyAlgorithm: 'ecdsa',
        // With two of them pebble takes one at random where none is asked for.
        profiles: { default: { description: 'the only one', validityPeriod: options.validityS ?? 7_776_000 } },
      },
    }),
  );
  const child = spawn(binary, ['-config', config, '-dnsserver', `127.0.0.1:${dns.port}`, '-strict'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PEBBLE_VA_NOSLEEP: '1',
      PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 0),
      PEBBLE_AUTHZREUSE: '0',
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
  const get = (url: string, body?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      request(url, { method, ca: ca.certPem, agent: false, headers: { 'user-agent': 'test' } }, (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))));
      })
        .on('error', reject)
        .end(body);
    });
  const directory = `https://127.0.0.1:${api}/dir`;
  for (let left = 100; ; left--) {
    try {
      await get(directory);
      break;
    } catch (error) {
      if (left === 0 || child.exitCode !== null) throw new Error(`pebble did not start: ${output}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return {
    directory,
    apiCaFile,
    rootPem: await get(`https://127.0.0.1:${management}/roots/0`),
    httpPort,
    tlsPort,
    dns,
    async renewNow(certificate) {
      const suggestedWindow = { start: new Date(Date.now() - 3_600_000), end: new Date(Date.now() - 3_599_000) };
      const ariResponse = JSON.stringify({ suggestedWindow });
      await get(`https://127.0.0.1:${management}/set-renewal-info/`, JSON.stringify({ certificate, ariResponse }));
    },
    output: () => output,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await dns[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
