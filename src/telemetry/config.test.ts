import assert from 'node:assert/strict';
import { test } from 'node:test';
import { telemetryConfig } from './config.ts';

const endpoint = 'https://collector.example.org:4318';
const parse = (otlp: object) => telemetryConfig.safeParse({ otlp });

test('nothing is sent unless a collector is named, and a collector is all that has to be', () => {
  assert.equal(telemetryConfig.parse({}).otlp, undefined);
  const { sampling, intervalMs, trustedContext } = telemetryConfig.parse({ otlp: { endpoint } }).otlp ?? {};
  assert.deepEqual(
    { sampling, intervalMs, trustedContext },
    { sampling: { ratio: 0.1, slowMs: 30_000 }, intervalMs: 60_000, trustedContext: [] },
  );
});

for (const [url, isGood] of [
  ['https://collector', true],
  ['https://collector:4318/otlp/v2', true],
  ['http://127.0.0.1:4318', true],
  ['http://localhost:4318', true],
  ['http://[::1]:4318', true],
  ['http://collector:4318', false],
  ['http://127.0.0.1.example.org', false],
  ['https://user:password@collector', false],
  ['https://collector?key=1', false],
  ['https://collector?', false],
  ['https://collector#a', false],
  ['https://coll ector', false],
  ['https://collector/ä', false],
  ['grpc://collector:4317', false],
  ['collector:4318', false],
  ['', false],
] as const)
  test(`"${url}" is ${isGood ? 'a' : 'no'} collector`, () => assert.equal(parse({ endpoint: url }).success, isGood));

for (const [name, options, isGood] of [
  ['a ratio of 0', { sampling: { ratio: 0 } }, true],
  ['a ratio of 1', { sampling: { ratio: 1 } }, true],
  ['a ratio above 1', { sampling: { ratio: 1.01 } }, false],
  ['a ratio below 0', { sampling: { ratio: -0.01 } }, false],
  ['a header', { headers: { 'x-api-key': 'abc def' } }, true],
  ['a header that the client writes', { headers: { 'Content-Length': '1' } }, false],
  ['a name that is none', { headers: { 'a:b': '1' } }, false],
  ['an empty header', { headers: { a: '' } }, false],
  ['a header with a line break', { headers: { a: 'b\r\nc: d' } }, false],
  ['16 headers', { headers: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`x${i}`, 'a'])) }, true],
  ['17 headers', { headers: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`x${i}`, 'a'])) }, false],
  ['an attribute', { attributes: { 'deployment.environment.name': 'prod' } }, true],
  ['an attribute without a name', { attributes: { '': 'prod' } }, false],
  ['networks to trust', { trustedContext: ['10.0.0.0/8', '::1'] }, true],
  ['a name to trust', { trustedContext: ['proxy'] }, false],
  ['an option that there is not', { protocol: 'grpc' }, false],
] as const)
  test(`${name} is ${isGood ? 'accepted' : 'a mistake'}`, () =>
    assert.equal(parse({ endpoint, ...options }).success, isGood));
