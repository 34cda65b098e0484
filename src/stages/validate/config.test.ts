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
  { maxUploadBytes: '25MiB', virtualPatches: 'auto', controlTokens: 'deny', storedResponses: false },
  { patches: [], openRoutes: [], loraPaths: [], remoteMedia: { hosts: [] } },
]) {
  test(`accepts ${JSON.stringify(options)}`, () => assert.ok(validationConfig.safeParse(options).success));
}

for (const { options, path } of [
  { options: { maxBodyBytes: '1' }, path: 'maxBodyBytes' },
  { options: { maxBodyBytes: '1GiB' }, path: 'maxBodyBytes' },
  { options: { maxBodyBytes: 'much' }, path: 'maxBodyBytes' },
  { options: { unknownFields: 'pass' }, path: 'unknownFields' },
  { options: { overCap: 'raise' }, path: 'overCap' },
  { options: { caps: { n: 0 } }, path: 'caps.n' },
  { options: { caps: { n: 129 } }, path: 'caps.n' },
  { options: { caps: { messages: 1.5 } }, path: 'caps.messages' },
  { options: { caps: { images: 1025 } }, path: 'caps.images' },
  { options: { caps: { schemaBytes: 'much' } }, path: 'caps.schemaBytes' },
  { options: { openRoutes: ['embed-v2'] }, path: 'openRoutes' },
  { options: { loraPaths: ['/adapters'] }, path: 'loraPaths' },
  { options: { patches: [{}] }, path: 'patches' },
  { options: { storedResponses: true }, path: 'storedResponses' },
  { options: { virtualPatches: 'on' }, path: 'virtualPatches' },
  {
    options: { patches: [{ id: 'best-of', on: ['*'], when: { field: 'x', is: 'present' }, message: 'no' }] },
    path: 'patches.0.id',
  },
  { options: { controlTokens: 'allow' }, path: 'controlTokens' },
  { options: { remoteMedia: { hosts: ['a.example'] } }, path: 'remoteMedia.hosts' },
]) {
  test(`refuses ${JSON.stringify(options)} at its path`, () => {
    const found = validationConfig.safeParse(options).error?.issues[0]?.path.join('.') ?? 'accepted';
    assert.ok(found.startsWith(path), found);
  });
}

test('refuses an option that it does not know', () => {
  assert.equal(validationConfig.safeParse({ maxBodyByte: '1MiB' }).success, false);
});
