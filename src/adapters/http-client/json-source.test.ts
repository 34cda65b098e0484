import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isPublicAddress } from '../../vllm/media/public-address.ts';
import { createJsonSource, JsonSourceError } from './json-source.ts';

const TIMEOUTS = { connectMs: 200, firstByteMs: 150, betweenChunksMs: 100, totalMs: 300 };

/** A server of one answer, and a source that finds every name there. */
async function setUp(listener: RequestListener, resolve = async (): Promise<string[]> => ['127.0.0.1']) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers.host ?? ''} ${request.url ?? ''}`);
    listener(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const get = createJsonSource({ resolve, isPublicAddress, userAgent: 'sallyport/test', timeouts: TIMEOUTS });
  return {
    asked,
    port,
    get: (path = '/keys', change: object = {}, host = 'idp.test') =>
      get({ url: new URL(`http://${host}:${port}${path}`), caPem: undefined, mustBePublic: false, ...change }),
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise<void>((done) => server.close(() => done()));
    },
  };
}

const json =
  (text: string, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text);

const failure = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => (error instanceof JsonSourceError ? error.message : `another error: ${String(error)}`),
  );

test('a document is got by its name, with no more said of us than who we are', async () => {
  let head: unknown;
  await using it = await setUp((request, response) => {
    head = request.headers;
    json('{"a":1}')(request, response);
  });
  assert.deepEqual(await it.get('/a?b=c'), { a: 1 });
  assert.deepEqual(it.asked, [`GET idp.test:${it.port} /a?b=c`]);
  assert.deepEqual(head, {
    host: `idp.test:${it.port}`,
    connection: 'close',
    'user-agent': 'sallyport/test',
    accept: 'application/json',
    'accept-encoding': 'identity',
  });
});

for (const status of [301, 302, 303, 307, 308]) {
  test(`JW-16 CA-06 a redirect (${status}) is not followed`, async () => {
    await using it = await setUp((_, response) => void response.writeHead(status, { location: '/other' }).end('{}'));
    assert.match(await failure(it.get()), new RegExp(`/keys answered ${status}$`));
    assert.equal(it.asked.length, 1);
  });
}

for (const status of [201, 204, 206, 304, 400, 404, 500, 503]) {
  test(`an answer of ${status} is none`, async () => {
    await using it = await setUp(
      (_, response) => void response.writeHead(status).end(status < 300 && status !== 204 ? '{}' : ''),
    );
    assert.match(await failure(it.get()), new RegExp(`answered ${status}$`));
  });
}

test('JW-16 CA-06 a document of 512 KiB is read, one byte more is not, announced or not', async () => {
  const sized = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 8)}"}`;
  await using fits = await setUp(json(sized(524_288)));
  assert.equal(((await fits.get())['a'] as string).length, 524_280);
  for (const chunked of [false, true]) {
    await using it = await setUp((_, response) => {
      const text = sized(524_289);
      response.writeHead(200, chunked ? {} : { 'content-length': text.length });
      response.end(text);
    });
    assert.match(await failure(it.get()), /answered more than 524288 bytes$/);
  }
});

test('JW-16 CA-06 a body that never ends is cut', async () => {
  await using it = await setUp((_, response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  assert.match(await failure(it.get()), /answered more than 524288 bytes$/);
});

for (const [name, listener] of [
  ['that says nothing', () => undefined],
  ['that stops in the middle', (_, response) => void response.writeHead(200, { 'content-length': 10 }).write('{"a"')],
  [
    'that sends a byte now and then',
    (_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(' '), 40);
      response.on('close', () => clearInterval(timer));
    },
  ],
] as readonly (readonly [string, RequestListener])[]) {
  test(`JW-16 CA-06 a server ${name} is waited for no longer than stated`, async () => {
    await using it = await setUp(listener);
    const start = performance.now();
    assert.match(await failure(it.get()), /cannot be asked \(|took too long to answer$/);
    assert.ok(performance.now() - start < 2_000);
  });
}

for (const [name, text] of [
  ['HTML', '<html>'],
  ['a list', '[]'],
  ['nothing', ''],
  ['two objects', '{}{}'],
  ['a name twice', '{"keys":[],"keys":[]}'],
  ['a byte order mark', '\ufeff{}'],
  ['a number that overflows', '{"a":1e400}'],
  ['deep nesting', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`],
  ['a signed answer, which was not asked for', 'eyJhbGciOiJFUzI1NiJ9.e30.AAAA'],
] as const) {
  test(`JW-16 ${name} is no document`, async () => {
    await using it = await setUp(json(text));
    assert.match(await failure(it.get()), /answered no JSON object$/);
  });
}

test('what was packed is not unpacked', async () => {
  await using it = await setUp((_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(gzipSync('{"keys":[]}'));
  });
  assert.match(await failure(it.get()), /answered no JSON object$/);
});

test('CA-06 a name with an address that is not public is not asked where it must be, the other addresses neither', async () => {
  for (const addresses of [
    ['127.0.0.1'],
    ['192.0.2.1'],
    ['8.8.8.8', '127.0.0.1'],
    ['::ffff:10.0.0.1'],
    ['fe80::1%eth0'],
    ['x'],
  ]) {
    await using it = await setUp(json('{}'), async () => addresses);
    assert.equal(await failure(it.get('/', { mustBePublic: true })), 'idp.test has an address that is not public');
    assert.deepEqual(it.asked, []);
  }
  await using it = await setUp(json('{}'));
  for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]']) {
    assert.match(await failure(it.get('/', { mustBePublic: true }, host)), /has an address that is not public$/);
  }
  assert.deepEqual(it.asked, []);
});

test('an address that cannot be reached leaves the next one; a name without any is said', async () => {
  await using it = await setUp(json('{"a":1}'), async () => ['127.0.0.2', '127.0.0.1']);
  assert.deepEqual(await it.get(), { a: 1 });
  await using none = await setUp(json('{}'), async () => []);
  assert.equal(await failure(none.get()), 'idp.test has no address');
  await using unknown = await setUp(json('{}'), async () => {
    throw new Error('ENOTFOUND');
  });
  assert.equal(await failure(unknown.get()), 'the name idp.test cannot be resolved');
});

test('IN-07 a question is posted as a form, and never a second time once it was sent', async () => {
  let body = '';
  await using it = await setUp(
    (request, response) => {
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => void response.writeHead(500).end('{"active":true}'));
    },
    async () => ['127.0.0.1', '127.0.0.1', '127.0.0.3'],
  );
  const form = { body: 'token=abc', authorization: 'Basic eA==' };
  assert.match(await failure(it.get('/introspect', { form })), /answered 500$/);
  assert.deepEqual([body, it.asked.length], ['token=abc', 1]);
});

test('what a failure says holds nothing of the answer or the query', async () => {
  await using it = await setUp((_, response) => void response.writeHead(400).end('{"secret":"canary"}'));
  const message = await failure(it.get('/a?token=canary'));
  assert.ok(!message.includes('canary'), message);
});
