import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { judge, testBodies } from './body-verdict.fixture.ts';
import { isHubName, isPlainPath } from './lora.ts';

const loraPaths = ['/srv/adapters', '/opt/one.d', 'org/adapter'];
const smallest: JsonObject = { lora_name: 'sql', lora_path: '/srv/adapters/sql' };
const at = (lora_path: string, expected: JsonObject | string) => ({
  name: `from ${JSON.stringify(lora_path)}`,
  fields: { lora_path },
  loraPaths,
  expected,
});

testBodies('load-lora', smallest, [
  at('/srv/adapters', {}),
  at('/srv/adapters/a/b_c-1.2@x=y,z+', {}),
  at('/opt/one.d', {}),
  at('org/adapter', {}),
  at('/srv/adapter', 'forbidden_field lora_path'),
  at('/srv/adaptersx', 'forbidden_field lora_path'),
  at('/srv', 'forbidden_field lora_path'),
  at('/opt/one_d', 'forbidden_field lora_path'),
  at('/SRV/adapters/a', 'forbidden_field lora_path'),
  at('org/adapter2', 'forbidden_field lora_path'),
  at('org', 'forbidden_field lora_path'),
  ...[
    '',
    '/',
    'org/adapter/x',
    'srv/adapters/..',
    './srv/adapters',
    '../srv/adapters/a',
    '~/adapters',
    '~root/x',
    '/srv/adapters/',
    '/srv/adapters//a',
    '//srv/adapters/a',
    '/srv/adapters/./a',
    '/srv/adapters/..',
    '/srv/adapters/../x',
    '/srv/adapters/a/../../x',
    '/srv/adapters\\..\\x',
    '/srv/adapters/%2e%2e/x',
    '/srv/adapters/a b',
    '/srv/adapters/$HOME',
    '/srv/adapters/a\n',
    '/srv/adapters/\u202e',
    's3://bucket/a',
    'https://a.example/x',
    'file:///srv/adapters/a',
    `/srv/adapters/${'x'.repeat(1024)}`,
  ].map((path) => at(path, 'invalid_field lora_path')),
  { name: 'while nothing is listed', fields: {}, expected: 'forbidden_field lora_path' },
  { name: 'without path', fields: { lora_path: null }, loraPaths, expected: 'invalid_field lora_path' },
  { name: 'without name', fields: { lora_name: null }, loraPaths, expected: 'model_not_allowed lora_name' },
  { name: 'with an empty name', fields: { lora_name: '' }, loraPaths, expected: 'model_not_allowed lora_name' },
  { name: 'with an invisible name', fields: { lora_name: 'a\u200b' }, loraPaths, expected: 'invalid_field lora_name' },
  ...['*', '../../x', 'a/../b', './a', 'a/.', 'a//b', '/a', 'a/', 'a*', 'a b', '-a', 'a..b', 'ä', 'a\\b', 'a?b'].map(
    (lora_name) => ({
      name: `with the name ${lora_name}`,
      fields: { lora_name },
      loraPaths,
      expected: 'invalid_field lora_name',
    }),
  ),
  ...['sql', 'org/sql-lora', 'Org/a.b_c:v1.2', 'a@b+c', '7b', 'a/b/c'].map((lora_name) => ({
    name: `with the name ${lora_name}`,
    fields: { lora_name },
    loraPaths,
    expected: {},
  })),
  { name: 'with a model as well', fields: { model: 'tiny' }, loraPaths, expected: 'unknown_field model' },
  { name: 'that is not in place', fields: { load_inplace: false }, loraPaths, expected: { load_inplace: null } },
  { name: 'in place', fields: { load_inplace: true }, loraPaths, expected: 'forbidden_field load_inplace' },
  { name: 'of weights for experts', fields: { is_3d_lora_weight: true }, loraPaths, expected: {} },
]);

test('the model of a request for an adapter is the name that it gets', () => {
  const request = judge('load-lora', smallest, { loraPaths });
  assert.equal(typeof request !== 'string' && request.model, 'sql');
});

test('a path is plain in one spelling only, and a name of a hub is no path', () => {
  for (const path of ['/a', '/a/b', '/a.b/..c', '/...']) assert.ok(isPlainPath(path) && !isHubName(path), path);
  for (const name of ['a', 'a/b', 'Org-1/model.v2_x']) assert.ok(isHubName(name) && !isPlainPath(name), name);
  for (const other of ['', '/', '.', '..', '/..', '/.', 'a/', '/a/', 'a//b', '-a', '.a/b', 'a/.b', 'a/b/c', 'a b']) {
    assert.ok(!isPlainPath(other) && !isHubName(other), other);
  }
});
