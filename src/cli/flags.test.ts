import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from './command.ts';
import { parseFlags } from './flags.ts';

const KINDS = { grant: 'text', tag: 'list', 'a-flag-of-20-letters': 'flag' } as const;
const ids = [`-${'4'.repeat(42)}`, `--${'z'.repeat(41)}`, `-${'x'.repeat(21)}`];

for (const id of ids)
  test(`the id ${id} is no flag, though it begins with a dash`, () => {
    assert.deepEqual(parseFlags([id, '--json'], KINDS).words, [id]);
    assert.deepEqual(parseFlags(['--json', id], KINDS).words, [id]);
    assert.deepEqual(parseFlags(['--json', '--', id], KINDS).words, [id]);
    assert.equal(parseFlags(['--grant', id, '--json'], KINDS).text('grant'), id);
    assert.deepEqual(parseFlags(['--tag', 'a', '--tag', id], KINDS).list('tag'), ['a', id]);
  });

test('a flag of the length of an id is a flag, and what is neither is refused', () => {
  assert.equal(parseFlags(['--a-flag-of-20-letters'], KINDS).has('a-flag-of-20-letters'), true);
  for (const word of ['-4', `-${'4'.repeat(41)}`, `-${'4'.repeat(43)}`, '--grnt'])
    assert.throws(() => parseFlags([word], KINDS), UsageError, word);
});
