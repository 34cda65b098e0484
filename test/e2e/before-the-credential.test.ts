import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';

/** What happens to whoever has not yet shown a credential: it is limited, logged and counted like anybody else. */
const ORIGIN = 'https://app.example';
const PREFLIGHT = {
  method: 'OPTIONS',
  headers: {
    origin: ORIGIN,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization, x-stainless-os',
  },
};

test('the preflight of a listed origin is answered 204 with what its page may send', async () => {
  await using it = await startTestGateway({ plain: true, config: { listen: { cors: { origins: [ORIGIN] } } } });
  const { status, headers } = await ask(it, PREFLIGHT);
  assert.equal(status, 204);
  assert.equal(headers['access-control-allow-origin'], ORIGIN);
  assert.equal(headers['access-control-allow-headers'], 'authorization, x-stainless-os');
  assert.equal(headers['vary'], 'Origin');
});

test('a preflight from a denied address is refused, and counts against the limit of its address', async () => {
  const listen = { cors: { origins: [ORIGIN] } };
  await using denied = await startTestGateway({ plain: true, config: { listen, network: { deny: ['127.0.0.1'] } } });
  assert.equal((await ask(denied, PREFLIGHT)).code, 'ip_denied');
  await using limited = await startTestGateway({
    plain: true,
    config: { listen, limits: { perIp: { requestsPerMinute: 2 } } },
  });
  const codes = [];
  for (let i = 0; i < 3; i++) codes.push((await ask(limited, PREFLIGHT)).status);
  assert.deepEqual(codes, [204, 204, 429]);
});

/** Sends bytes and reads until the connection ends. */
function raw({ port }: TestGateway, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let text = '';
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

test('a head that could not be read is a line of the log and counted, without a byte of it', async () => {
  await using it = await startTestGateway({ plain: true });
  const answer = await raw(it, 'GET  /secret-path HTTP/1.1\r\nHost: h\r\nX-Secret: s3cret\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 400 /);
  const id = /"request_id":"([^"]+)"/.exec(answer)?.[1] ?? assert.fail(answer);
  while (!it.log.some((line) => line.includes(id))) await new Promise((resolve) => setImmediate(resolve));
  const line = it.log.find((one) => one.includes(id)) ?? '';
  assert.match(line, /"address":"127\.0\.0\.1".*"status":400,"code":"invalid_request","outcome":"denial"/);
  assert.doesNotMatch(line, /secret|s3cret/);
  assert.match(
    it.gateway.admin.metrics(),
    /sallyport_requests_total\{[^}]*status="400",code="invalid_request"[^}]*\} 1/,
  );
});
