import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { CHAT } from '../support/http.ts';

/** A real browser judges what the gateway says of origins: Chromium, with a page of a listed and one of another origin. */
const dir = mkdtempSync(join(tmpdir(), 'sallyport-browser-'));
let listed: Server;
let other: Server;
let gateway: TestGateway;
let key = '';

const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Serves a page whose script runs once it is asked for, and whose text is what came of it. */
function pageServer(): Promise<Server> {
  const server = createServer((request, response) => {
    const ask = new URL(request.url ?? '/', 'http://page').searchParams.get('ask') ?? '';
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><pre id="said">nothing</pre><script>
      const said = (text) => { document.getElementById('said').textContent = text; };
      const { url, ...init } = JSON.parse(${JSON.stringify(ask)});
      fetch(url, init)
        .then(async (answer) => said([answer.status, answer.headers.get('x-request-id') ? 'id' : 'no id', await answer.text()].join(' ')))
        .catch((error) => said('blocked: ' + error.message));
    </script>`);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

before(async () => {
  [listed, other] = await Promise.all([pageServer(), pageServer()]);
  gateway = await startTestGateway({ plain: true, config: { listen: { cors: { origins: [originOf(listed)] } } } });
  ({ key } = await gateway.issue());
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const server of [listed, other]) server.close();
  rmSync(dir, { recursive: true, force: true });
});

/** What a page of this origin sees of a request that it sends. */
async function seenBy(server: Server, init: RequestInit, path = '/v1/chat/completions'): Promise<string> {
  const ask = encodeURIComponent(JSON.stringify({ url: `${gateway.url}${path}`, ...init }));
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    `--user-data-dir=${dir}`,
    '--virtual-time-budget=10000',
    '--dump-dom',
  ];
  const { stdout } = await promisify(execFile)('chromium', [...flags, `${originOf(server)}/?ask=${ask}`], {
    timeout: 60_000,
  });
  return /<pre id="said">([^]*?)<\/pre>/.exec(stdout)?.[1] ?? stdout;
}

const chat = (more: object = {}, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ ...CHAT, ...more }),
});

test('a page of a listed origin gets its answer, with the headers of an SDK', async () => {
  assert.match(await seenBy(listed, chat({}, { 'x-stainless-lang': 'js' })), /^200 id \{"id":"chatcmpl-/);
});

test('a page of a listed origin reads a stream', async () => {
  assert.match(await seenBy(listed, chat({ stream: true })), /^200 id data: \{[^]*data: \[DONE\]/);
});

test('a page of a listed origin reads why it was refused', async () => {
  assert.match(await seenBy(listed, chat({}, { authorization: 'Bearer wrong' })), /^401 id .*"invalid_credential"/);
});

test('a page of another origin is told nothing, and nothing of it reaches vLLM', async () => {
  const before = await received();
  assert.match(await seenBy(other, chat()), /^blocked: /);
  assert.equal(await received(), before);
});

test('a page of another origin cannot read even what needs no preflight', async () => {
  assert.match(await seenBy(other, { method: 'GET' }, '/v1/models'), /^blocked: /);
});

async function received(): Promise<number> {
  const list = (await (await fetch(`${gateway.simulator.url}/_simulator/requests`)).json()) as { method: string }[];
  return list.filter(({ method }) => method === 'POST').length;
}
