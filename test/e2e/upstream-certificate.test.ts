import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createServer } from 'node:tls';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { createCa, createLeaf } from '../../src/adapters/tls/self-signed.ts';
import { createClientCa } from '../support/client-certificates.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';

/** A simulator behind TLS that lets in only who has a certificate of its CA, as an upstream across a network should. */
async function startGuarded(context: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-upstream-'));
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 0 });
  const ca = await createCa(Date.now());
  const leaf = await createLeaf(ca, ['127.0.0.1'], Date.now());
  const clients = await createClientCa();
  const names: (string | undefined)[] = [];
  const guard = createServer(
    {
      cert: leaf.certPem,
      key: leaf.keyPem,
      ca: clients.certPem,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
    },
    (socket) => {
      names.push(socket.getPeerX509Certificate()?.subject);
      const inner = connect(Number(new URL(simulator.url).port), '127.0.0.1');
      for (const one of [socket, inner]) one.on('error', () => undefined);
      socket.pipe(inner).pipe(socket);
    },
  );
  guard.on('tlsClientError', () => undefined);
  guard.listen(0, '127.0.0.1');
  await once(guard, 'listening');
  context.after(async () => {
    guard.close();
    await simulator.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const own = await clients.issue({ subject: 'CN=gateway' });
  const strange = await (await createClientCa()).issue({ subject: 'CN=gateway' });
  return {
    url: `https://127.0.0.1:${(guard.address() as AddressInfo).port}`,
    caFile: file('ca.pem', ca.certPem),
    own: { certFile: file('own.pem', own.certPem), keyFile: file('own.key', own.keyPem) },
    strange: { certFile: file('strange.pem', strange.certPem), keyFile: file('strange.key', strange.keyPem) },
    names,
  };
}

test('an upstream that asks for a certificate gets that of the gateway', async (context) => {
  const { url, caFile, own, names } = await startGuarded(context);
  await using it = await startTestGateway({ upstreams: [{ name: 'main', url, tls: { caFile, ...own } }] });
  const { key } = await it.issue();
  assert.equal((await ask(it, { key })).status, 200);
  assert.ok(names.length > 0);
  assert.deepEqual([...new Set(names)], ['CN=gateway']);
});

for (const which of ['none', 'a foreign one'] as const) {
  test(`an upstream that asks for a certificate lets in nobody with ${which}`, async (context) => {
    const { url, caFile, strange, names } = await startGuarded(context);
    const tls = { caFile, ...(which === 'none' ? {} : strange) };
    await using it = await startTestGateway({ upstreams: [{ name: 'main', url, tls }] });
    const { key } = await it.issue();
    const { status } = await ask(it, { key });
    assert.ok(status === 502 || status === 503, `${status}`);
    assert.deepEqual(names, []);
  });
}
