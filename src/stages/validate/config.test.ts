import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validationConfig } from './config.ts';

test('without any option the defaults are those of the contract', () => {
  const config = validationConfig.parse(undefined);
  assert.equal(config.maxBodyBytes, 8 * 1024 * 1024);
  assert.equal(config.unknownFields, 'deny');
  assert.equal(config.overCap, 'lower');
  assert.equal(config.caps.n, 4);
  assert.equal(config.caps.stop, 4);
  assert.equal(config.caps.messages, 4096);
  assert.equal(config.caps.promptList, 16);
  assert.equal(config.caps.inputList, 256);
  assert.equal(config.caps.textBytes, 4 * 1024 * 1024);
});

for (const options of [
  { maxBodyBytes: '1MiB' },
  { maxBodyBytes: 4096 },
  { unknownFields: 'drop' },
  { overCap: 'deny' },
  { caps: { n: 8 } },
  { caps: { textBytes: '64KiB' } },
  { maxUploadBytes: '100MiB' },
  { maxUploadBytes: '25MiB', virtualPatches: 'auto', controlTokens: 'deny', storedResponses: false },
  { storedResponses: true },
  { patches: [], openRoutes: [], loraPaths: [], remoteMedia: { hosts: [] } },
  { openRoutes: ['chat-completions-batch', 'embed-v2', 'rerank-v2', 'classify', 'pooling'] },
  { remoteMedia: { hosts: ['images.example.org', '*.cdn.example.org', 'cdn.example.net:8443'] } },
  { loraPaths: ['/srv/adapters', '/srv/b/one.d', 'org/adapter', 'adapter'] },
]) {
  test(`accepts ${JSON.stringify(options)}`, () => assert.ok(validationConfig.safeParse(options).success));
}

for (const { options, path } of [
  { options: { maxBodyBytes: '1' }, path: 'maxBodyBytes' },
  { options: { maxBodyBytes: '1GiB' }, path: 'maxBodyBytes' },
  { options: { maxBodyBytes: 'much' }, path: 'maxBodyBytes' },
  { options: { maxUploadBytes: '2GiB' }, path: 'maxUploadBytes' },
  { options: { unknownFields: 'pass' }, path: 'unknownFields' },
  { options: { overCap: 'raise' }, path: 'overCap' },
  { options: { caps: { n: 0 } }, path: 'caps.n' },
  { options: { caps: { n: 129 } }, path: 'caps.n' },
  { options: { caps: { messages: 1.5 } }, path: 'caps.messages' },
  { options: { caps: { images: 1025 } }, path: 'caps.images' },
  { options: { caps: { schemaBytes: 'much' } }, path: 'caps.schemaBytes' },
  { options: { openRoutes: ['embed'] }, path: 'openRoutes.0' },
  { options: { openRoutes: ['pooling', 'score'] }, path: 'openRoutes.1' },
  { options: { openRoutes: ['score-v1'] }, path: 'openRoutes.0' },
  { options: { openRoutes: ['load-lora-adapter'] }, path: 'openRoutes.0' },
  { options: { openRoutes: [1] }, path: 'openRoutes.0' },
  { options: { openRoutes: 'pooling' }, path: 'openRoutes' },
  ...[
    '/',
    '',
    '/a/',
    '/a//b',
    '/a/../b',
    '/a/.',
    '..',
    './a',
    '~/a',
    'a/b/c',
    '/a b',
    '/a\u0000',
    's3://a/b',
    '/ä',
  ].map((place) => ({ options: { loraPaths: [place] }, path: 'loraPaths.0' })),
  { options: { patches: [{}] }, path: 'patches' },
  { options: { storedResponses: 'yes' }, path: 'storedResponses' },
  { options: { virtualPatches: 'on' }, path: 'virtualPatches' },
  {
    options: { patches: [{ id: 'best-of', on: ['*'], when: { field: 'x', is: 'present' }, message: 'no' }] },
    path: 'patches.0.id',
  },
  { options: { controlTokens: 'allow' }, path: 'controlTokens' },
  { options: { remoteMedia: { hosts: 'a.example' } }, path: 'remoteMedia.hosts' },
  ...['*', '10.0.0.1', 'https://a.example', 'a.example/x', 1].map((host) => ({
    options: { remoteMedia: { hosts: ['a.example', host] } },
    path: 'remoteMedia.hosts.1',
  })),
]) {
  test(`refuses ${JSON.stringify(options)} at its path`, () => {
    const found = validationConfig.safeParse(options).error?.issues[0]?.path.join('.') ?? 'accepted';
    assert.ok(found.startsWith(path), found);
  });
}

const system = [
  { type: 'text', text: 'Be' },
  { type: 'text', text: 'brief' },
];
const hi = [{ role: 'user', content: 'hi' }];
for (const { name, options = {}, when, sample, on = 'messages', verdict } of [
  {
    name: 'what it stops as sent',
    when: { field: 'system', contains: ['Be\nbrief'] },
    sample: { system },
    verdict: 'stopped',
  },
  {
    name: 'blocks that are one text when sent',
    when: { field: 'system[*].text', contains: ['Be'] },
    sample: { system },
  },
  { name: 'a field that is dropped', when: { field: 'metadata', is: 'present' }, sample: { metadata: { a: 'b' } } },
  { name: 'a length that is put in', on: 'chat-completions', when: { field: 'max_tokens', is: 'absent' }, sample: {} },
  {
    name: 'an unknown field that is dropped',
    options: { unknownFields: 'drop' },
    when: { field: 'wat', is: 'present' },
    sample: { wat: 1 },
  },
  {
    name: 'a control token that is broken before',
    options: { controlTokens: 'neutralise' },
    when: { field: 'system', contains: ['<|im_start|>'] },
    sample: { system: '<|im_start|>' },
  },
  {
    name: 'a field that is closed anyway',
    when: { field: 'thread', is: 'present' },
    sample: { thread: {} },
    verdict: 'stopped',
  },
  {
    name: 'a field that a grant opens',
    on: 'chat-completions',
    when: { field: 'ignore_eos', equals: true },
    sample: { ignore_eos: true },
    verdict: 'stopped',
  },
  {
    name: 'a body of a route that is always closed',
    on: 'generate',
    when: { field: 'token_ids', is: 'present' },
    sample: { token_ids: [1] },
    verdict: 'stopped',
  },
] satisfies readonly {
  name: string;
  options?: object;
  when: object;
  sample: object;
  on?: string;
  verdict?: string;
}[]) {
  const isStopped = verdict === 'stopped';
  test(`a row whose sample is ${name} is ${isStopped ? 'taken' : 'refused, for nothing of it is left to find'}`, () => {
    const smallest = on === 'generate' ? {} : { messages: hi, ...(on === 'messages' ? { max_tokens: 9 } : {}) };
    const body = { ...smallest, ...sample };
    const row = { id: 'own', on: [on], when, message: 'Leave it out.' };
    const told = (samples: object): unknown => {
      const issues = validationConfig.safeParse({ ...options, patches: [{ ...row, ...samples }] }).error?.issues ?? [];
      return issues.map(({ path }) => path.join('.'));
    };
    assert.deepEqual(told({ stops: { route: on, body } }), isStopped ? [] : ['patches.0.stops']);
    assert.deepEqual(told({ passes: { route: on, body } }), isStopped ? ['patches.0.passes'] : []);
  });
}

test('refuses an option that it does not know', () => {
  assert.equal(validationConfig.safeParse({ maxBodyByte: '1MiB' }).success, false);
});

for (const { openRoutes, hint } of [
  { openRoutes: ['embed-v'], hint: /^Did you mean embed-v2\?$/ },
  { openRoutes: ['poolin'], hint: /^Did you mean pooling\?$/ },
  { openRoutes: ['rerank'], hint: /^This route is always closed\. Give ids .*rerank-v2/ },
  { openRoutes: ['score-v1'], hint: /^This route is open already\. / },
  { openRoutes: ['load-lora-adapter'], hint: /validation\.loraPaths/ },
  { openRoutes: ['something'], hint: /^Give ids that `sallyport routes` calls openable: .*classify/ },
]) {
  test(`says of openRoutes ${openRoutes.join()} what is meant`, () => {
    assert.match(validationConfig.safeParse({ openRoutes }).error?.issues[0]?.message ?? '', hint);
  });
}
