import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeUpstream } from '../../test/support/exchange.ts';
import { settableClock } from '../../test/support/clock.ts';
import { loadConfig } from '../config/load.ts';
import { createEngineMetrics } from './engine-metrics.ts';

function setUp() {
  const loaded = loadConfig({ env: {}, overrides: { upstreams: [{ name: 'main', apiKey: 'of-vllm' }] } });
  assert.ok(loaded.ok);
  const [upstream, clock] = [fakeUpstream(), settableClock()];
  const read = createEngineMetrics(loaded.config, { upstreams: [upstream], userAgent: 'sallyport/1', clock });
  return { upstream, clock, read };
}

test('an upstream that there is not is no object, and nobody is asked', async () => {
  const { upstream, read } = setUp();
  const page = await read('other');
  assert.ok(typeof page !== 'string' && page.code === 'unknown_object');
  assert.equal(upstream.calls.length, 0);
});

test('many readers of a second are one question', async () => {
  const { upstream, clock, read } = setUp();
  const pages = [read('main'), read('main')];
  const [call] = upstream.calls;
  assert.ok(call !== undefined && call.request.headers.includes('Bearer of-vllm'));
  call.listener.head({ status: 200, header: () => undefined });
  call.listener.chunk(Buffer.from('vllm:running 2\nsallyport_up 1\nvllm:broken{\n'));
  call.listener.end();
  for (const page of await Promise.all(pages)) {
    assert.match(String(page), /^vllm:running\{upstream="main"\} 2$/m);
    assert.match(String(page), /refused_lines\{upstream="main"\} 1$/m);
    assert.doesNotMatch(String(page), /^sallyport_up /m);
  }
  assert.equal(upstream.calls.length, 1);
  clock.advance(1_000);
  void read('main');
  assert.equal(upstream.calls.length, 2);
});

test('one that answers in drops is given up in time', async () => {
  const { upstream, clock, read } = setUp();
  const page = read('main');
  upstream.calls[0]?.listener.head({ status: 200, header: () => undefined });
  upstream.calls[0]?.listener.chunk(Buffer.from('v'));
  clock.advance(8_000);
  const denial = await page;
  assert.ok(typeof denial !== 'string' && denial.code === 'upstream_timeout');
  assert.equal(upstream.calls[0]?.isAborted, true);
});
