import Anthropic from '@anthropic-ai/sdk';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import OpenAI, { BadRequestError } from 'openai';
import { startSimulator, type RunningSimulator } from '../../../src/adapters/simulator-server/server.ts';
import { createCa, createLeaf } from '../../../src/adapters/tls/self-signed.ts';
import { PNG } from '../../../src/vllm/fields/testing.fixture.ts';
import { ask } from '../../support/http.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { startNameServer } from './name-server.ts';
import { trustingFetch } from '../../support/sdk.ts';

/** Runs in a network namespace: see `remote-media.test.ts`. Its argument is a folder of its own. */
const dir = process.argv[2] ?? '';
const PNG_BYTES = Buffer.from(PNG.slice(PNG.indexOf(',') + 1), 'base64');
const NAMES = 'img pictures private loopback metadata nat64 mixed turning both'
  .split(' ')
  .map((name) => `${name}.example.org`);
const NOT_FETCHED =
  'The medium could not be fetched. Check that the URL answers with the image itself, or send it as a data URL.';

let simulator: RunningSimulator;
let product: Product;
let key: string;
/** Connections by the address of the server that got them. */
const reached: string[] = [];
const heard: { readonly url: string; readonly headers: readonly string[] }[] = [];
const servers: Server[] = [];
let names: Awaited<ReturnType<typeof startNameServer>>;

before(async () => {
  names = await startNameServer('127.0.0.1', (name, nth) => {
    if (name === 'turning.example.org') return [nth === 0 ? '93.184.215.14' : '10.9.9.9'];
    return name === 'both.example.org' ? ['93.184.215.14', '10.9.9.9'] : [];
  });
  const ca = await createCa(Date.now());
  const leaf = await createLeaf(ca, [...NAMES, 'other.example'], Date.now());
  const caFile = join(dir, 'media-ca.pem');
  writeFileSync(caFile, ca.certPem);
  for (const address of ['93.184.215.14', '10.9.9.9', '127.0.0.1']) {
    const server = createServer({ key: leaf.keyPem, cert: leaf.certPem }, (request, response) => {
      heard.push({ url: request.url ?? '', headers: request.rawHeaders });
      const { status = 200, headers = {}, body = PNG_BYTES } = ANSWERS[request.url ?? ''] ?? { status: 404 };
      response.writeHead(status, headers).end(body);
    });
    server.on('connection', () => void reached.push(address));
    await new Promise<void>((resolve) => server.listen(443, address, resolve));
    servers.push(server);
  }
  simulator = await startSimulator({
    host: '127.0.0.1',
    port: 0,
    models: ['tiny'],
    chunkIntervalMs: 0,
    keepBodies: true,
  });
  const config = join(dir, 'sallyport.yaml');
  writeFileSync(config, 'validation: { remoteMedia: { hosts: ["*.example.org"] } }\n');
  product = await startProduct(
    ['--config', config, '--upstream', simulator.url, '--workers', '1'],
    join(dir, 'state'),
    {
      NODE_EXTRA_CA_CERTS: caFile,
    },
  );
  key = (JSON.parse(product.command('keys', 'create', '--name', 'media', '--json')) as { key: string }).key;
});
after(async () => {
  for (const server of servers) server.close();
  names.close();
  assert.equal(await product.end(), 0);
  await simulator.close();
});
beforeEach(() => {
  reached.length = 0;
  heard.length = 0;
});

interface Said {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}
const ANSWERS: Readonly<Record<string, Said>> = {
  '/a.png': {},
  '/moved': { status: 302, headers: { location: '/a.png' } },
  '/away': { status: 302, headers: { location: 'https://pictures.example.org/a.png' } },
  '/inside': { status: 302, headers: { location: 'https://10.9.9.9/a.png' } },
  '/plain': { status: 302, headers: { location: 'http://img.example.org/a.png' } },
  '/gzip': { headers: { 'content-encoding': 'gzip' } },
  '/page': { headers: { 'content-type': 'image/png' }, body: '<!doctype html>' },
  '/large': { body: Buffer.alloc(9 * 1024 * 1024) },
};

const to = () => ({ url: product.url, ca: readFileSync(product.caFile, 'utf8'), port: 0 });
const chat = (...urls: readonly string[]) => ({
  model: 'tiny',
  max_tokens: 3,
  messages: [
    { role: 'user' as const, content: urls.map((url) => ({ type: 'image_url' as const, image_url: { url } })) },
  ],
});

/** Bodies of inference that upstream has got since the last look. */
async function received(): Promise<string[]> {
  const answer = await fetch(`${simulator.url}/_simulator/requests`);
  const list = (await answer.json()) as { method: string; body?: string }[];
  await fetch(`${simulator.url}/_simulator/requests`, { method: 'DELETE' });
  return list.filter(({ method }) => method === 'POST').map(({ body = '' }) => body);
}

test('the OpenAI SDK names an image by its URL, and upstream gets its bytes', async () => {
  const client = new OpenAI({
    baseURL: `${product.url}/v1`,
    apiKey: key,
    maxRetries: 0,
    fetch: trustingFetch(to()),
  });
  const answer = await client.chat.completions.create(chat('https://img.example.org/a.png'));
  assert.ok((answer.choices[0]?.message.content ?? '') !== '');
  const [body = '', ...more] = await received();
  assert.deepEqual(more, []);
  const { messages } = JSON.parse(body) as { messages: unknown };
  assert.deepEqual(messages, [{ role: 'user', content: [{ type: 'image_url', image_url: { url: PNG } }] }]);
  assert.deepEqual(reached, ['93.184.215.14']);
  assert.deepEqual(heard, [
    {
      url: '/a.png',
      headers: [
        ...['host', 'img.example.org', 'connection', 'close', 'user-agent', 'sallyport-media'],
        ...['accept', 'image/png, image/jpeg, image/gif, image/webp', 'accept-encoding', 'identity'],
      ],
    },
  ]);
  await assert.rejects(
    client.chat.completions.create(chat('https://private.example.org/a.png')),
    (error) => error instanceof BadRequestError && error.code === 'invalid_field',
  );
});

test('the Responses API and the Anthropic SDK too, streamed', async () => {
  const client = new OpenAI({ baseURL: `${product.url}/v1`, apiKey: key, maxRetries: 0, fetch: trustingFetch(to()) });
  const content = [
    { type: 'input_image' as const, image_url: 'https://img.example.org/a.png', detail: 'auto' as const },
  ];
  for await (const event of await client.responses.create({
    model: 'tiny',
    stream: true,
    input: [{ role: 'user', content }],
  }))
    void event;
  const anthropic = new Anthropic({ baseURL: product.url, apiKey: key, maxRetries: 0, fetch: trustingFetch(to()) });
  const source = { type: 'url' as const, url: 'https://img.example.org/a.png' };
  await anthropic.messages
    .stream({ model: 'tiny', max_tokens: 3, messages: [{ role: 'user', content: [{ type: 'image', source }] }] })
    .finalMessage();
  const bodies = await received();
  assert.equal(bodies.length, 2);
  for (const body of bodies) {
    assert.ok(body.includes(`"${PNG}"`), body);
    assert.doesNotMatch(body, /https?:/);
  }
});

test('a redirect within the host is followed, and one URL that is named twice is fetched once', async () => {
  const urls = ['https://img.example.org/moved', 'https://img.example.org/moved'];
  assert.equal((await ask(to(), { key, body: chat(...urls) })).status, 200);
  assert.deepEqual(
    heard.map(({ url }) => url),
    ['/moved', '/a.png'],
  );
  assert.equal((await received())[0]?.split(PNG).length, 3);
});

for (const { url, may = ['93.184.215.14'] } of [
  { url: 'https://private.example.org/a.png', may: [] },
  { url: 'https://loopback.example.org/a.png', may: [] },
  { url: 'https://metadata.example.org/a.png', may: [] },
  { url: 'https://nat64.example.org/a.png', may: [] },
  { url: 'https://mixed.example.org/a.png', may: [] },
  { url: 'https://both.example.org/a.png', may: [] },
  { url: 'https://nowhere.example.org/a.png', may: [] },
  { url: 'https://img.example.org:8444/a.png', may: [], code: 'forbidden_field' },
  { url: 'https://img.example.org/none' },
  { url: 'https://img.example.org/away' },
  { url: 'https://img.example.org/inside' },
  { url: 'https://img.example.org/plain' },
  { url: 'https://img.example.org/gzip' },
] as const) {
  test(`nothing of ${url} reaches upstream`, async () => {
    const { status, code, json } = await ask(to(), { key, body: chat(url) });
    const isListed = !url.includes(':8444');
    assert.deepEqual([status, code], [400, isListed ? 'invalid_field' : 'forbidden_field']);
    assert.equal(json?.error?.['param'], 'messages[0].content[0].image_url');
    if (isListed) assert.equal(json?.error?.['message'], NOT_FETCHED);
    assert.deepEqual(reached, may);
    assert.deepEqual(await received(), []);
  });
}

for (const { url, verdict } of [
  { url: 'https://img.example.org/page', verdict: 'invalid_field' },
  { url: 'https://img.example.org/large', verdict: 'value_out_of_range' },
  { url: 'https://other.example/a.png', verdict: 'forbidden_field' },
  { url: 'http://img.example.org/a.png', verdict: 'invalid_field' },
  { url: 'https://93.184.215.14/a.png', verdict: 'invalid_field' },
  { url: 'https://1572395790/a.png', verdict: 'invalid_field' },
  { url: 'https://[64:ff9b::5db8:d70e]/a.png', verdict: 'invalid_field' },
  { url: 'https://img.example.org\\@10.9.9.9/a.png', verdict: 'invalid_field' },
  { url: 'file:///etc/passwd', verdict: 'invalid_field' },
]) {
  test(`${url} is ${verdict}`, async () => {
    assert.equal((await ask(to(), { key, body: chat(url) })).code, verdict);
    assert.deepEqual(await received(), []);
  });
}

test('a name that leads inside when it is resolved again was resolved once, and is refused the next time', async () => {
  const body = chat('https://turning.example.org/a.png');
  assert.equal((await ask(to(), { key, body })).status, 200);
  assert.equal(names.asked.get('turning.example.org'), 1);
  assert.deepEqual(reached, ['93.184.215.14']);
  assert.equal((await ask(to(), { key, body })).code, 'invalid_field');
  assert.equal(names.asked.get('turning.example.org'), 2);
  assert.deepEqual(reached, ['93.184.215.14']);
  assert.equal((await received()).length, 1);
});

test('explain fetches nothing, and says so', () => {
  const file = join(dir, 'request.json');
  writeFileSync(file, JSON.stringify(chat('https://img.example.org/a.png')));
  const said = product.command('explain', '--key', key.split('_')[1] ?? '', '--body', file);
  assert.match(said, /fetch-media +allow +Nothing was fetched\. .*: 1\./);
  assert.match(said, /data:,not-fetched/);
  assert.deepEqual(reached, []);
});
