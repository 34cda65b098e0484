import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig, renderMistakes } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createModelBook } from './model-book.ts';

function configOf(overrides: Record<string, unknown>): Config {
  const loaded = loadConfig({ env: {}, overrides });
  if (!loaded.ok) throw new Error(renderMistakes(loaded.mistakes));
  return loaded.config;
}
const two = configOf({
  upstreams: [
    { name: 'a', url: 'http://127.0.0.1:1' },
    { name: 'b', url: 'http://127.0.0.1:2', models: ['big'] },
  ],
});
const served = (id: string, maxModelLen?: number) => ({ id, maxModelLen, createdS: 1 });
const UNKNOWN = { models: undefined, version: undefined };

test('an upstream serves what it lists, and while it has not said so, what it is configured for', () => {
  const book = createModelBook(two, [{ models: [served('tiny')], version: '0.33.0' }, UNKNOWN]);
  assert.deepEqual(book.entry('tiny').serving, [0]);
  assert.equal(book.entry('tiny').isServed, true);
  assert.deepEqual(book.entry('big').serving, [1]);
  assert.equal(book.entry('big').isServed, undefined);
  assert.deepEqual(book.entry('other').serving, []);
  assert.equal(book.entry('other').isServed, false);
  assert.deepEqual(
    book.listed().map(({ id }) => id),
    ['tiny', 'big'],
  );
});

test('the context of a model is the least of its upstreams', () => {
  const book = createModelBook(two, [
    { models: [served('big', 8192)], version: undefined },
    { models: [served('big', 2048)], version: undefined },
  ]);
  assert.equal(book.entry('big').facts.contextTokens, 2048);
  assert.equal(book.entry('tiny').facts.contextTokens, undefined);
});

test('the salt goes to releases that know it and to unknown ones', () => {
  const saltOf = (...versions: (string | undefined)[]): boolean =>
    createModelBook(
      two,
      versions.map((version) => ({ models: [served('big')], version })),
    ).entry('big').facts.knowsSalt;
  assert.equal(saltOf('0.9.0', '0.33.0'), true);
  assert.equal(saltOf(undefined, '0.33.0'), true);
  assert.equal(saltOf('0.8.5', '0.33.0'), false);
});

const badWords = { model: 'big', bad_words: ['x'] };
test('a patch is on where any upstream of the model needs it, by what it says or what is configured', () => {
  const blocks = (config: Config, ...versions: (string | undefined)[]): boolean =>
    createModelBook(
      config,
      versions.map((version) => ({ models: [served('big')], version })),
    )
      .entry('big')
      .patchCheck('chat-completions', badWords) !== undefined;
  assert.equal(blocks(two, '0.33.0', '0.33.0'), false);
  assert.equal(blocks(two, '0.33.0', '0.29.0'), true);
  assert.equal(blocks(two, '0.33.0', undefined), true);
  const told = (vllmVersion: string) => configOf({ upstreams: [{ url: 'http://127.0.0.1:1', vllmVersion }] });
  assert.equal(blocks(told('0.33.0'), '0.29.0'), false);
  assert.equal(blocks(told('0.29.0'), '0.33.0'), true);
});

test('patches are all on or all off where the operator says so, and the own rows are among them', () => {
  const own = { id: 'no-user', on: ['*'], when: { field: 'user', is: 'present' }, message: 'Leave user out.' };
  const book = (virtualPatches: string) =>
    createModelBook(configOf({ validation: { virtualPatches, patches: [own] } }), [
      { models: [served('big')], version: '0.33.0' },
    ]).entry('big');
  assert.equal(book('auto').patchCheck('completions', { user: 'a' })?.patchId, 'no-user');
  assert.equal(book('off').patchCheck('completions', { user: 'a' }), undefined);
  assert.ok(book('all').patchCheck('chat-completions', badWords));
});
