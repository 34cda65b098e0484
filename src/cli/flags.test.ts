import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from './command.ts';
import { parseFlags } from './flags.ts';

const KINDS = { token: 'text', models: 'list', quiet: 'flag' } as const;
const [HASH, ID] = ['-'.padEnd(22, 'a'), '-T'.padEnd(43, '9')];

test('an id that begins as a flag does is a word', () => {
  for (const id of [HASH, ID, `-${ID.slice(1)}`, '-'.repeat(43)]) {
    assert.deepEqual(parseFlags([id], KINDS).words, [id]);
    const flags = parseFlags(['--quiet', id, '--json'], KINDS);
    assert.deepEqual([flags.words, flags.has('quiet'), flags.has('json')], [[id], true, true]);
    assert.deepEqual(parseFlags(['--json', '--', id], KINDS).words, [id]);
  }
});

test('a hash that begins as a flag does is the value of the flag before it', () => {
  for (const hash of [HASH, ID]) {
    const flags = parseFlags(['--token', hash, '--json'], KINDS);
    assert.deepEqual([flags.text('token'), flags.words, flags.has('json')], [hash, [], true]);
    assert.deepEqual(parseFlags(['--models', hash], KINDS).list('models'), [hash]);
  }
});

test('what is no id stays a flag, and an unknown one is refused with the nearest', () => {
  for (const word of [`${HASH}a`, `${ID}a`, ID.slice(0, -1), '-T'])
    assert.throws(() => parseFlags([word], KINDS), UsageError);
  assert.throws(() => parseFlags(['--tokne', 'x'], KINDS), /Did you mean --token\?/);
});

test('a flag that is as long as a hash is that flag', () => {
  const name = 'twenty-letters-long-';
  assert.equal(`--${name}`.length, HASH.length);
  assert.equal(parseFlags([`--${name}`, 'x'], { [name]: 'text' }).text(name), 'x');
});
