import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { shellWord } from './shell-word.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 400 });

test('a shell takes a word as one word and runs nothing of it', () => {
  fc.assert(
    fc.property(anyText.map(passable), (word) => {
      const out = execFileSync('/bin/sh', ['-c', `printf '%s' ${shellWord(word)}`], { encoding: 'utf8' });
      assert.equal(out, word);
    }),
    { numRuns: 100 },
  );
  assert.equal(shellWord('key:Ab12Cd'), 'key:Ab12Cd');
  assert.equal(shellWord("x'; rm -rf /; '"), `'x'\\''; rm -rf /; '\\'''`);
});

/** What an argument of a program can hold: no NUL, and characters that UTF-8 has. */
const passable = (text: string): string => text.replaceAll('\0', '').toWellFormed();
