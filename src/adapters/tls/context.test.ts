import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { connect, createServer, type ConnectionOptions, type Server, type TLSSocket } from 'node:tls';
import { serverTlsOptions } from './context.ts';
import { parseMaterial, type TlsMaterial } from './material.ts';
import { createCa, createLeaf } from './self-signed.ts';

const NOW_MS = Date.now();
const ticketKeys = randomBytes(48);
const servers: Server[] = [];
let caPem: string;
let materials: TlsMaterial[];

before(async () => {
  const ca = await createCa(NOW_MS);
  caPem = ca.certPem;
  const leaves = await Promise.all([1, 2].map(() => createLeaf(ca, ['localhost', '127.0.0.1'], NOW_MS)));
  materials = leaves.map(({ certPem, keyPem }) => parseMaterial(certPem, keyPem, NOW_MS));
  for (let i = 0; i < 2; i += 1) {
    // It greets, so that a client of TLS 1.3 has read its ticket by then.
    const server = createServer(serverTlsOptions(material(0), ticketKeys), (socket) => socket.end('hello'));
    server.on('tlsClientError', () => undefined);
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
  }
});
after(() => {
  for (const server of servers) server.close();
});

const material = (i: number): TlsMaterial => materials[i] ?? assert.fail();

/** Shakes hands, reads the greeting and tells how it was done. */
async function shake(
  options: ConnectionOptions = {},
  server = 0,
): Promise<{ socket: TLSSocket; session: Buffer | undefined }> {
  const address = servers[server]?.address() as AddressInfo; // a TCP server that listens has one
  const socket = connect({ host: '127.0.0.1', port: address.port, servername: 'localhost', ca: caPem, ...options });
  let session: Buffer | undefined;
  socket.on('session', (given: Buffer) => (session = given));
  socket.resume();
  await once(socket, 'end');
  return { socket, session };
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`a client that trusts the CA shakes hands with ${version} and speaks HTTP/1.1`, async () => {
    const { socket } = await shake({ minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] });
    assert.ok(socket.authorized);
    assert.equal(socket.getProtocol(), version);
    assert.equal(socket.alpnProtocol, 'http/1.1');
    socket.destroy();
  });

test('a client that does not trust the CA, or asks for another name, refuses us', async () => {
  await assert.rejects(shake({ ca: [] }), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  await assert.rejects(shake({ servername: 'example.org' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

const refused: readonly [string, ConnectionOptions][] = [
  ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }],
  ['a CBC suite', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }],
  ['a suite without ephemeral keys', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }],
  ['only other protocols', { ALPNProtocols: ['h2'] }],
];
for (const [name, options] of refused)
  test(`a client that offers ${name} is refused`, async () => {
    await assert.rejects(shake(options), /alert|protocol|handshake/i);
  });

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`a ${version} session resumes on another server that has the same ticket keys`, async () => {
    const { session } = await shake({ minVersion: version, maxVersion: version });
    assert.ok(session !== undefined);
    const again = await shake({ minVersion: version, maxVersion: version, session }, 1);
    assert.ok(again.socket.isSessionReused());
  });

test('a new pair is served to new connections without a new server', async () => {
  servers[1]?.setSecureContext(serverTlsOptions(material(1), ticketKeys));
  const { socket } = await shake({}, 1);
  assert.equal(socket.getPeerX509Certificate()?.toString(), material(1).certPem);
});
