import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SCOPES } from '../kernel/scope.ts';
import { readScopes } from './scopes.ts';

test('the text of the default scopes is read as those scopes', () => {
  const text = 'inference:chat,completions,responses,messages,embeddings,models:read';
  assert.deepEqual(readScopes(text.split(',')), {
    ok: true,
    scopes: [
      'inference:chat',
      'inference:completions',
      'inference:responses',
      'inference:messages',
      'inference:embeddings',
      'models:read',
    ],
  });
});

test('whatever scopes are written in full are read as they are, each once', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...SCOPES)), (scopes) => {
      assert.deepEqual(readScopes(scopes), { ok: true, scopes: [...new Set(scopes)] });
    }),
  );
});

test('nothing else is ever read as a scope', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const read = readScopes(words);
      if (read.ok) assert.ok(read.scopes.every((scope) => SCOPES.includes(scope)));
      else assert.ok(read.index < words.length && read.hint.length < 600);
    }),
  );
});

for (const { words, index, hint } of [
  { words: ['chat'], index: 0, hint: 'Did you mean inference:chat?' },
  { words: ['chta'], index: 0, hint: 'Did you mean inference:chat?' },
  { words: ['models:read', 'chat'], index: 1, hint: 'Did you mean inference:chat?' },
  { words: ['inference:chat', 'read'], index: 1, hint: 'Did you mean models:read?' },
  { words: ['admin:wriet'], index: 0, hint: 'Did you mean admin:write?' },
  { words: ['everything'], index: 0, hint: 'There are: inference:chat, ' },
  { words: [''], index: 0, hint: 'There is no scope ""' },
]) {
  test(`${JSON.stringify(words)} is refused with a hint`, () => {
    const read = readScopes(words);
    assert.ok(!read.ok);
    assert.equal(read.index, index);
    assert.ok(read.hint.includes(hint), read.hint);
  });
}
