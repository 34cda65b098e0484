import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { ask, CHAT } from '../support/http.ts';
import { startProduct, type Product } from '../support/product.ts';

const to = (product: Product) => ({ url: product.url, ca: readFileSync(product.caFile, 'utf8'), port: 0 });
const newKey = (product: Product): string =>
  (JSON.parse(product.command('keys', 'create', '--name', 'test', '--json')) as { key: string }).key;

/** Waits for a line of the log. */
async function logged(product: Product, pattern: RegExp): Promise<string> {
  for (;;) {
    const line = product.lines.find((text) => pattern.test(text));
    if (line !== undefined) return line;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('SIGTERM lets a running stream end, then the process ends with 0', async () => {
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 30 });
  const product = await startProduct(['--upstream', simulator.url, '--workers', '1']);
  const key = newKey(product);
  let signal: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (signal = resolve));
  const stream = ask(to(product), { key, body: { ...CHAT, stream: true, max_tokens: 12 }, onData: () => signal() });
  await first;
  const ended = product.end('SIGTERM');
  assert.ok((await stream).text.endsWith('data: [DONE]\n\n'));
  assert.equal(await ended, 0);
  await simulator.close();
});

test('SIGHUP works with a changed configuration from the next request on; a bad one is refused and the old one stays', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-reload-'));
  const file = join(dir, 'sallyport.yaml');
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 0 });
  const config = (n: number, host = '127.0.0.1'): string =>
    `listen: { host: ${host} }\nupstreams: [ { name: sim, url: "${simulator.url}" } ]\nvalidation: { caps: { n: ${n} } }\n`;
  writeFileSync(file, config(4));
  const product = await startProduct(['--config', file, '--workers', '2']);
  try {
    const key = newKey(product);
    const two = { ...CHAT, n: 2, temperature: 1 };
    assert.equal((await ask(to(product), { key, body: two })).status, 200);
    writeFileSync(file, config(1));
    product.child.kill('SIGHUP');
    await logged(product, /"event":"reloaded"/);
    for (let i = 0; i < 8; i++) assert.equal((await ask(to(product), { key, body: two })).code, 'value_out_of_range');
    writeFileSync(file, 'listen: { prot: 1 }\n');
    product.child.kill('SIGHUP');
    assert.match(await logged(product, /"event":"reload_refused"/), /listen\.prot/);
    assert.equal((await ask(to(product), { key, body: two })).code, 'value_out_of_range');
    assert.equal((await ask(to(product), { key })).status, 200);
  } finally {
    assert.equal(await product.end(), 0);
    await simulator.close();
    rmSync(dir, { recursive: true });
  }
});
