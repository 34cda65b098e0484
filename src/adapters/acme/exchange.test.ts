import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { freePort } from '../../../test/support/free-port.ts';
import { createCa, createLeaf } from '../tls/self-signed.ts';
import { createAcmeExchange } from './exchange.ts';

const ca = await createCa(Date.now());
const exchange = createAcmeExchange('sallyport/test');
const never = new AbortController().signal;

/** A server of HTTPS for 127.0.0.1. */
async function startServer(
  context: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  name = '127.0.0.1',
): Promise<string> {
  const leaf = await createLeaf(ca, [name], Date.now());
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a CA that is not trusted is said with the way to trust it', async (context) => {
  const url = await startServer(context, (_, response) => void response.end());
  await assert.rejects(exchange({ method: 'GET', url }, never), /is not trusted \(\w+\).*NODE_EXTRA_CA_CERTS=FILE/);
});

test('what is trusted is asked with its own method, type and agent, and answers with headers and text', async (context) => {
  setDefaultCACertificates([...getCACertificates(), ca.certPem]);
  const seen: unknown[] = [];
  const url = await startServer(context, (request, response) => {
    const { 'content-type': type, 'user-agent': agent } = request.headers;
    seen.push([request.method, type, agent]);
    response.writeHead(201, { 'replay-nonce': 'n' }).end('{"a":1}');
  });
  const answer = await exchange({ method: 'POST', url, body: '{}' }, never);
  assert.deepEqual([answer.status, answer.header('replay-nonce'), answer.text], [201, 'n', '{"a":1}']);
  assert.deepEqual(seen, [['POST', 'application/jose+json', 'sallyport/test']]);
});

test('a redirect is not followed', async (context) => {
  const url = await startServer(context, (_, response) => void response.writeHead(302, { location: '/x' }).end());
  assert.equal((await exchange({ method: 'GET', url }, never)).status, 302);
});

test('an answer without end is cut', async (context) => {
  const url = await startServer(context, (_, response) => {
    const writing = setInterval(() => response.write('x'.repeat(65_536)), 2);
    response.on('close', () => clearInterval(writing));
  });
  await assert.rejects(exchange({ method: 'GET', url }, never), { code: 'acme_unreachable' });
});

test('a certificate for another name is refused', async (context) => {
  const url = await startServer(context, (_, response) => void response.end(), 'other.example.org');
  await assert.rejects(exchange({ method: 'GET', url }, never), /for another name/);
});

test('a URL in the clear is not asked', async () => {
  await assert.rejects(exchange({ method: 'GET', url: 'http://127.0.0.1/' }, never), /not https/);
});

test('a CA that does not answer, or has no name, is said with the mend', async () => {
  const closed = `https://127.0.0.1:${await freePort()}/`;
  await assert.rejects(exchange({ method: 'GET', url: closed }, never), /cannot be reached \(ECONNREFUSED\)/);
  await assert.rejects(
    exchange({ method: 'GET', url: 'https://ca.invalid/' }, never),
    /does not resolve here.*listen\.tls\.acme\.directory/,
  );
});

test('what is stopped ends at once', async (context) => {
  const url = await startServer(context, () => undefined);
  const stop = new AbortController();
  const asked = exchange({ method: 'GET', url }, stop.signal);
  setTimeout(() => stop.abort(), 20);
  await assert.rejects(asked, { code: 'acme_unreachable' });
});
