import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ENGINE_METRICS_BOUNDS, takeOverMetrics } from './engine-metrics.ts';

const take = (text: string, bounds = ENGINE_METRICS_BOUNDS) => takeOverMetrics(text, 'main', bounds);

test("vLLM's families are taken over under the upstream's name, and no others", () => {
  const { text, series, refused } = take(
    [
      '# TYPE python_info gauge',
      'python_info{version="3.12"} 1.0',
      '# HELP vllm:ttft_seconds Time to first token.',
      '# TYPE vllm:ttft_seconds histogram',
      'vllm:ttft_seconds_bucket{engine="0",le="0.001",model_name="tiny"} 0.0',
      'vllm:ttft_seconds_count{engine="0",model_name="tiny"} 3.0',
      '# TYPE vllm:running gauge',
      'vllm:running 2 1700000000000',
      '',
    ].join('\n'),
  );
  assert.equal(
    text,
    [
      '# HELP vllm:ttft_seconds Time to first token.',
      '# TYPE vllm:ttft_seconds histogram',
      'vllm:ttft_seconds_bucket{upstream="main",engine="0",le="0.001",model_name="tiny"} 0.0',
      'vllm:ttft_seconds_count{upstream="main",engine="0",model_name="tiny"} 3.0',
      '# TYPE vllm:running gauge',
      'vllm:running{upstream="main"} 2',
      '',
    ].join('\n'),
  );
  assert.deepEqual([series, refused], [3, 0]);
});

const GOOD = 'vllm:a{x="1"} 1';
for (const [name, line] of [
  ["that has the upstream's label", 'vllm:a{upstream="other"} 1'],
  ['with a label of the reader', 'vllm:a{__name__="sallyport_requests_total"} 1'],
  ['with a label twice', 'vllm:a{x="1",x="2"} 1'],
  ['with a quote that does not end', 'vllm:a{x="1} 1'],
  ['with a quote inside', 'vllm:a{x="1"y="2"} 1'],
  ['with an escape that there is not', 'vllm:a{x="\\q"} 1'],
  ['with a control character', 'vllm:a{x="\u0001"} 1'],
  ['with a carriage return in a label', 'vllm:a{x="a\rsallyport_up 1"} 1'],
  ['with a value that is none', 'vllm:a 0x10'],
  ['without a value', 'vllm:a{x="1"}'],
  ['with more behind', 'vllm:a 1 2 3'],
  ['with an exemplar', 'vllm:a_bucket{le="1"} 1 # {trace_id="a"} 1'],
  ['with another name', 'vllm:a-b 1'],
  ['that was there already', GOOD],
  ['that was there already, in another order', 'vllm:b{y="2",x="1"} 1\nvllm:b{x="1",y="2"} 1'],
  ['that is too long', `vllm:a{x="${'1'.repeat(4_096)}"} 1`],
  ['that gives a type that there is not', '# TYPE vllm:c stateset'],
  ['that gives a type after its samples', '# TYPE vllm:a counter'],
  ['that gives a second type', '# TYPE vllm:c counter\n# TYPE vllm:c gauge'],
] as const) {
  test(`a line ${name} is refused as a whole, and the rest taken`, () => {
    const { text, refused } = take(`${GOOD}\n${line}\nvllm:last 7\n`);
    assert.equal(refused, 1);
    assert.match(text, /^vllm:a\{upstream="main",x="1"\} 1$/m);
    assert.match(text, /^vllm:last\{upstream="main"\} 7$/m);
  });
}

test('series beyond the bound are refused, the one at the bound is taken', () => {
  const text = Array.from({ length: 6 }, (_, i) => `vllm:a{i="${i}"} 1\n`).join('');
  const { series, refused } = take(text, { maxSeries: 5, maxLine: 100 });
  assert.deepEqual([series, refused], [5, 1]);
});

test("whatever an upstream says, each line is vLLM's own, carries the upstream's name, and no series comes twice", () => {
  const piece = fc.constantFrom(
    ...[
      'vllm:',
      'sallyport_',
      'a',
      '_bucket',
      '{',
      '}',
      'x="',
      '"',
      ',',
      '\\',
      '\n',
      '\r',
      ' ',
      '1',
      '# TYPE ',
      '# HELP ',
    ],
    ...[' histogram', ' gauge', 'upstream="', 'le="1"', '\u2028', '\ud800', '# EOF'],
  );
  const line = fc.constantFrom(GOOD, '# TYPE vllm:a histogram\n', 'vllm:a_bucket{le="1"} 1\n', 'vllm:a_count 1\n');
  const hostile = fc.array(fc.oneof(piece, line), { maxLength: 60 }).map((all) => all.join(''));
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (said) => {
      const { text } = take(said);
      const lines = text.split('\n').slice(0, -1);
      for (const one of lines) {
        assert.match(
          one,
          /^(# (TYPE|HELP) vllm:\w+[^\p{Cc}\u2028\u2029]*|vllm:[\w:]+\{upstream="main"[^\p{Cc}]*\} \S+)$/u,
        );
      }
      const series = lines.filter((one) => !one.startsWith('#')).map((one) => one.slice(0, one.lastIndexOf(' ')));
      assert.equal(new Set(series).size, series.length);
      // What was taken over once is taken over as it is.
      assert.equal(take(text.replaceAll(/upstream="main",?/g, '')).refused, 0);
    }),
  );
});
