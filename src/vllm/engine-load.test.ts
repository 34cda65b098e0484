import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEngineLoad } from './engine-load.ts';

const page = (...lines: string[]) => `# HELP vllm:num_requests_running x\n${lines.join('\n')}\n`;

test('reads what runs and what waits, and how full the cache is', () => {
  const text = page(
    'process_cpu_seconds_total 12.5',
    'vllm:num_requests_running{engine="0",model_name="tiny"} 7.0',
    'vllm:num_requests_waiting{engine="0",model_name="tiny"} 3.0',
    'vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 99.0',
    'vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.25',
  );
  assert.deepEqual(parseEngineLoad(text), { running: 7, waiting: 3, cacheUsage: 0.25 });
});

test('of several engines the counts add up, and the fullest cache counts', () => {
  const text = page(
    'vllm:num_requests_running{engine="0"} 2',
    'vllm:num_requests_running{engine="1"} 3',
    'vllm:num_requests_waiting{engine="0"} 0',
    'vllm:num_requests_waiting{engine="1"} 1e1 1700000000',
    'vllm:gpu_cache_usage_perc{engine="0"} 0.5',
    'vllm:gpu_cache_usage_perc{engine="1"} 9.5e-01',
  );
  assert.deepEqual(parseEngineLoad(text), { running: 5, waiting: 10, cacheUsage: 0.95 });
});

for (const { name, line } of [
  { name: 'not a number', line: 'vllm:num_requests_waiting NaN' },
  { name: 'infinite', line: 'vllm:num_requests_waiting +Inf' },
  { name: 'negative', line: 'vllm:num_requests_waiting -1' },
  { name: 'more than any engine has', line: 'vllm:num_requests_waiting 1000001' },
  { name: 'missing', line: 'vllm:num_requests_waiting{a="b"}' },
  { name: 'of another name', line: 'xvllm:num_requests_waiting 1' },
  { name: 'a comment', line: '# vllm:num_requests_waiting 1' },
]) {
  test(`a count that is ${name} is none, and without it nothing is known`, () => {
    assert.equal(parseEngineLoad(page('vllm:num_requests_running 1', line)), undefined);
  });
}

test('a cache that is more than full is not believed', () => {
  const text = page('vllm:num_requests_running 1', 'vllm:num_requests_waiting 0', 'vllm:kv_cache_usage_perc 1.01');
  assert.deepEqual(parseEngineLoad(text), { running: 1, waiting: 0, cacheUsage: undefined });
});

test('whatever the text is, what comes out is bounded, and it never throws', () => {
  const part = fc.oneof(
    fc.string(),
    fc.constantFrom('vllm:num_requests_running', 'vllm:num_requests_waiting', '{a="}', '} ', ' 1', '\n', '\r', ' 9e99'),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const load = parseEngineLoad(parts.join(''));
      if (load === undefined) return;
      assert.ok(Number.isFinite(load.running) && load.running >= 0);
      assert.ok(Number.isFinite(load.waiting) && load.waiting >= 0);
      assert.ok(load.cacheUsage === undefined || (load.cacheUsage >= 0 && load.cacheUsage <= 1));
    }),
  );
});

test('a long page takes time in proportion to its length', () => {
  const filler = `vllm:e2e_request_latency_seconds_bucket{le="${'1'.repeat(60_000)}"} 1\n`;
  const text = `${filler.repeat(60)}vllm:num_requests_running 1\nvllm:num_requests_waiting 2\n`;
  assert.deepEqual(parseEngineLoad(text), { running: 1, waiting: 2, cacheUsage: undefined });
});
