import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createClientCa, type ClientCa } from '../support/client-certificates.ts';
import { freePort } from '../support/free-port.ts';
import { startProduct } from '../support/product.ts';
import { startTestServer } from '../support/valkey.ts';

/** A server that speaks TLS by a certificate of a private CA, and a gateway that is told of the CA, of another one, or of none. */

/** Debian's, which speaks TLS; not every build of Valkey does. */
const PROGRAM = 'redis-server';

const dir = mkdtempSync(join(tmpdir(), 'sallyport-counters-tls-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text, { mode: 0o600 });
  return join(dir, name);
};

/** Starts a server whose certificate is for 127.0.0.1, or for another name alone; the port that speaks TLS. */
async function startTlsServer(ca: ClientCa, address = '127.0.0.1') {
  const port = await freePort();
  const own = await ca.issue({ names: [{ type: 'ip', value: address }], isForServers: true });
  const server = await startTestServer(PROGRAM, [
    ...['--tls-port', String(port), '--tls-auth-clients', 'no', '--tls-ca-cert-file', file('ca.pem', ca.certPem)],
    ...['--tls-cert-file', file('server.pem', own.certPem), '--tls-key-file', file('server.key', own.keyPem)],
  ]);
  return { server, port };
}

/** What a gateway says of its counters. @param scheme of their URL @param caPem that it is told to trust */
async function countersBy(scheme: string, port: number, caPem: string | undefined) {
  const env = {
    SALLYPORT__COUNTERS__URL: `${scheme}://127.0.0.1:${port}`,
    ...(caPem === undefined ? {} : { NODE_EXTRA_CA_CERTS: file('trusted.pem', caPem) }),
  };
  const product = await startProduct(['--tls', 'off', '--workers', '1'], undefined, env);
  try {
    const answer = await fetch(`${product.url.replace('https:', 'http:')}/readyz`);
    const { counters } = (await answer.json()) as { counters?: string };
    const line = product.lines.find((one) => one.includes('"counters_down"'));
    const { why, mend } = (line === undefined ? {} : JSON.parse(line)) as { why?: string; mend?: string };
    return { counters, why, mend };
  } finally {
    await product.end();
  }
}

for (const scheme of ['rediss', 'valkeys']) {
  test(`a server is reached by ${scheme}:// where its CA is trusted by NODE_EXTRA_CA_CERTS`, async () => {
    const ca = await createClientCa();
    const { server, port } = await startTlsServer(ca);
    await using _ = server;
    assert.deepEqual(await countersBy(scheme, port, ca.certPem), { counters: 'up', why: undefined, mend: undefined });
    assert.notEqual((await server.command('DBSIZE')).trim(), ':0');
  });
}

for (const { name, address, trusts, why, mend } of [
  {
    name: 'is of another CA',
    address: '127.0.0.1',
    trusts: 'another',
    why: /^[A-Z_]*(ISSUER|SELF_SIGNED|VERIFY)[A-Z_]*$/,
    mend: /NODE_EXTRA_CA_CERTS/,
  },
  {
    name: 'is of a private CA that nobody named',
    address: '127.0.0.1',
    trusts: 'none',
    why: /^[A-Z_]*(ISSUER|SELF_SIGNED|VERIFY)[A-Z_]*$/,
    mend: /NODE_EXTRA_CA_CERTS/,
  },
  {
    name: 'is for another address',
    address: '127.0.0.2',
    trusts: 'its own',
    why: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    mend: /name/,
  },
] as const) {
  test(`a server whose certificate ${name} is told nothing, and the log says why and what to do`, async () => {
    const ca = await createClientCa();
    const { server, port } = await startTlsServer(ca, address);
    await using _ = server;
    const trusted =
      trusts === 'none' ? undefined : trusts === 'another' ? (await createClientCa()).certPem : ca.certPem;
    const seen = await countersBy('rediss', port, trusted);
    assert.equal(seen.counters, 'down');
    assert.match(seen.why ?? '', why);
    assert.match(seen.mend ?? '', mend);
    assert.equal((await server.command('DBSIZE')).trim(), ':0');
  });
}

test('a server without TLS is no server where the URL asks for TLS', async () => {
  await using server = await startTestServer(PROGRAM);
  const seen = await countersBy('rediss', server.port, undefined);
  assert.equal(seen.counters, 'down');
  assert.match(seen.why ?? '', /^(?!unreachable)\w+$/);
});
