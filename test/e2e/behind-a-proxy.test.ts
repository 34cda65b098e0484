import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';

/** Behind a load balancer: whose address counts, and who may say so. */
const V2_HEADER = '0d0a0d0a000d0a515549540a2111000c';

/** A connection that a proxy passes on for a client. */
function fromClient({ port }: TestGateway, address: string): Socket {
  const header = Buffer.from(V2_HEADER + '00'.repeat(12), 'hex');
  header.set(address.split('.').map(Number), 16);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(header);
  return socket;
}

/** What comes back until the connection ends. */
function read(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (part: Buffer) => (text += part.toString()));
    socket.on('close', () => resolve(text));
  });
}

const get = (path: string, headers = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${headers}\r\n`;

const listen = { proxyProtocol: 'v2', trustedProxies: ['127.0.0.1'] };

test('BR-07 the address of the PROXY header is denied, limited and logged; what the client forwards itself is not believed', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: {
      listen,
      network: { deny: ['192.0.2.66'] },
      limits: { perIp: { requestsPerMinute: 2 } },
    },
  });
  const status = async (address: string, headers = ''): Promise<string> => {
    const socket = fromClient(it, address);
    socket.write(get('/v1/models', headers));
    return (await read(socket)).split(' ')[1] ?? '';
  };
  assert.equal(await status('192.0.2.66'), '403');
  assert.equal(await status('192.0.2.66', 'X-Forwarded-For: 192.0.2.1\r\n'), '403');
  assert.deepEqual([await status('192.0.2.7'), await status('192.0.2.7')], ['401', '401']);
  assert.equal(await status('192.0.2.7', 'X-Forwarded-For: 192.0.2.8\r\n'), '429');
  assert.equal(await status('192.0.2.9'), '401');
  while (!it.log.some((line) => line.includes('"address":"192.0.2.9"'))) await new Promise(setImmediate);
  assert.equal(
    it.log.some((line) => line.includes('127.0.0.1"')),
    false,
  );
});

test('what comes over a connection whose client the proxy does not know forwards no address', async () => {
  await using it = await startTestGateway({ plain: true, config: { listen } });
  for (const [path, header] of [
    ['/local', '0d0a0d0a000d0a515549540a20000000'],
    ['/unspecified', '0d0a0d0a000d0a515549540a21000000'],
  ] as const) {
    const socket = connect(it.port, '127.0.0.1');
    socket.write(Buffer.from(header, 'hex'));
    socket.write(get(path, 'X-Forwarded-For: 192.0.2.1\r\n'));
    assert.match(await read(socket), /^HTTP\/1\.1 401 /);
  }
  while (it.log.filter((line) => line.includes('"address":"127.0.0.1"')).length < 2) await new Promise(setImmediate);
});

test('connections count for the client that the PROXY header names, not for its proxy', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: { listen, limits: { perIp: { connections: 1 } } },
  });
  const first = fromClient(it, '192.0.2.7');
  first.write('GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n');
  await new Promise((resolve) => first.once('data', resolve));
  const second = fromClient(it, '192.0.2.7');
  second.write(get('/healthz'));
  assert.equal(await read(second), '');
  const other = fromClient(it, '192.0.2.8');
  other.write(get('/healthz'));
  assert.match(await read(other), /^HTTP\/1\.1 200 /);
  first.destroy();
  await new Promise((resolve) => first.once('close', resolve));
  for (let left = 100, answer = ''; !answer.startsWith('HTTP/1.1 200 '); left--) {
    assert.ok(left > 0, 'the connection that ended was not given back');
    const again = fromClient(it, '192.0.2.7');
    again.write(get('/healthz'));
    answer = await read(again);
  }
});

for (const plain of [true, false]) {
  test(`a peer that is no trusted proxy is closed at once, whatever it sends${plain ? '' : ', before TLS, too'}`, async () => {
    await using it = await startTestGateway({
      plain,
      config: { listen: { proxyProtocol: 'v2', trustedProxies: ['192.0.2.1'] } },
    });
    const socket = fromClient(it, '192.0.2.7');
    const carrier = plain
      ? socket
      : connectTls({ socket, ...(it.ca === undefined ? {} : { ca: it.ca }), host: 'localhost' });
    carrier.on('error', () => undefined);
    const isClosed = read(carrier);
    carrier.write(get('/healthz'));
    assert.equal(await isClosed, '');
  });
}

test('the PROXY header stands before TLS', async () => {
  await using it = await startTestGateway({ config: { listen } });
  const socket = fromClient(it, '192.0.2.7');
  const secure = connectTls({ socket, ...(it.ca === undefined ? {} : { ca: it.ca }), host: 'localhost' });
  secure.on('error', () => undefined);
  secure.write(get('/v1/models'));
  assert.match(await read(secure), /^HTTP\/1\.1 401 [^]*strict-transport-security/i);
  while (!it.log.some((line) => line.includes('"address":"192.0.2.7"'))) await new Promise(setImmediate);
});

for (const { name, forwarded, address } of [
  { name: 'its right end where that is no proxy', forwarded: '192.0.2.1, 198.51.100.7', address: '198.51.100.7' },
  {
    name: 'the first from the right that is no proxy',
    forwarded: '192.0.2.1, 198.51.100.7, 10.0.0.9',
    address: '198.51.100.7',
  },
  { name: 'nothing of it where its right end is none', forwarded: '192.0.2.1, nonsense', address: '127.0.0.1' },
]) {
  test(`X-Forwarded-For of a trusted proxy counts by ${name}`, async () => {
    await using it = await startTestGateway({
      plain: true,
      config: { listen: { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] } },
    });
    await ask(it, { method: 'GET', path: '/v1/models', headers: { 'x-forwarded-for': forwarded } });
    while (!it.log.some((line) => line.includes(`"address":"${address}"`))) await new Promise(setImmediate);
  });
}

test('BR-07 X-Forwarded-For of anybody else is not believed', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: { listen: { host: '127.0.0.1', trustedProxies: [] } },
  });
  await ask(it, { method: 'GET', path: '/v1/models', headers: { 'x-forwarded-for': '192.0.2.1' } });
  while (!it.log.some((line) => line.includes('"address":"127.0.0.1"'))) await new Promise(setImmediate);
});
