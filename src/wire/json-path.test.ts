import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexPath, joinPath, memberPath } from './json-path.ts';

test('names and indexes make the path that the contract shows', () => {
  assert.equal(
    memberPath(indexPath(memberPath(indexPath('messages', 2), 'content'), 0), 'text'),
    'messages[2].content[0].text',
  );
});

for (const { name, path } of [
  { name: 'max_tokens', path: 'a.max_tokens' },
  { name: 'x-y', path: 'a.x-y' },
  { name: '', path: 'a[""]' },
  { name: '0', path: 'a["0"]' },
  { name: 'b.c', path: 'a["b.c"]' },
  { name: 'a b', path: 'a["a b"]' },
  { name: '"]', path: String.raw`a["\"]"]` },
  { name: 'line\r\nfeed', path: String.raw`a["line\r\nfeed"]` },
  { name: '\u001b[31m', path: String.raw`a["\u001b[31m"]` },
  { name: '\u007f\u0085\u2028\u202e', path: String.raw`a["\u007f\u0085\u2028\u202e"]` },
  { name: 'é', path: String.raw`a["\u00e9"]` },
  { name: 'n'.repeat(64), path: `a.${'n'.repeat(64)}` },
  { name: 'n'.repeat(65), path: `a["${'n'.repeat(64)}\\u2026"]` },
]) {
  test(`the name ${JSON.stringify(name.slice(0, 10))} of ${name.length} characters is written harmlessly`, () => {
    assert.equal(memberPath('a', name), path);
  });
}

test('a path stays printable ASCII even where a name is cut within a surrogate pair', () => {
  assert.match(memberPath('', `${'n'.repeat(63)}🛡`), /^[\x20-\x7e]+$/);
});

test('relative paths are joined with a dot only where one belongs', () => {
  assert.equal(joinPath('a', 'b'), 'a.b');
  assert.equal(joinPath('a', '[0]'), 'a[0]');
  assert.equal(joinPath('a', ''), 'a');
  assert.equal(joinPath('', 'b'), 'b');
});
