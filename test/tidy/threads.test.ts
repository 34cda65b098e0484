import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ENTRIES } from '../../scripts/packaging/bundle.ts';

test('every file that is started as a thread is an entry of the packages, which have no other files', () => {
  const started = globSync('src/**/*.ts').flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return file.endsWith('.test.ts') || !text.includes('if (parentPort === null) throw')
      ? []
      : [file.replace('.ts', '')];
  });
  assert.ok(started.length >= 4, started.join(' '));
  assert.deepEqual(
    started.filter((file) => !ENTRIES.includes(file)),
    [],
  );
});
