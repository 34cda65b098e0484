import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { metricsFormatOf } from './metrics-format.ts';

const V1 = 'application/openmetrics-text;version=1.0.0';

for (const [name, accept, format] of [
  ['nothing', undefined, 'text'],
  ['anything', '*/*', 'text'],
  [
    'what Prometheus 2.42 sends',
    `${V1},application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
    'openmetrics',
  ],
  [
    'what Prometheus 3 sends',
    `application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1`,
    'openmetrics',
  ],
  ['OpenMetrics in capitals and quotes', 'Application/OpenMetrics-Text; Version="1.0.0"', 'openmetrics'],
  ['OpenMetrics of another version', 'application/openmetrics-text;version=0.0.1', 'text'],
  ['OpenMetrics of no version', 'application/openmetrics-text', 'text'],
  ['OpenMetrics by no means', `${V1};q=0`, 'text'],
  ['OpenMetrics with a quality that is none', `${V1};q=2`, 'text'],
  ['text rather', `${V1};q=0.4,text/plain;q=0.5`, 'text'],
  ['both alike', `${V1};q=0.5,text/plain;q=0.5`, 'openmetrics'],
  ['more than 1024 characters', `${V1}${','.repeat(1_025 - V1.length)}`, 'text'],
  ['1024 characters', `${V1}${','.repeat(1_024 - V1.length)}`, 'openmetrics'],
] as const) {
  test(`who accepts ${name} gets ${format}`, () => assert.equal(metricsFormatOf(accept), format));
}

test('whatever is accepted, it is one of the two', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(V1, 'text/plain', ';', ',', 'q=', '0.5', ' ', '"', '\u0000')), (parts) => {
      assert.match(metricsFormatOf(parts.join('')), /^(text|openmetrics)$/);
    }),
  );
});
