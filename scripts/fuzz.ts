import { globSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

/**
 * The long runs of every property of the parsers and counters: `npm run fuzz [-- RUNS [FILE…]]`, 20,000 each unless told,
 * in all files or those whose paths hold one of the words: `npm run fuzz -- 1000000 test/fuzz/`.
 */
const [runs = '20000', ...words] = process.argv.slice(2);
const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts']).filter(
  (file) =>
    (words.length === 0 || words.some((word) => file.includes(word))) &&
    readFileSync(file, 'utf8').includes('fc.assert('),
);
if (files.length === 0) throw new RangeError(`No file of properties has ${words.join(' or ')} in its path.`);
const { status } = spawnSync(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    '--import',
    './test/support/fuzz-runs.ts',
    '--test',
    '--test-concurrency=2',
    ...files,
  ],
  { stdio: 'inherit', env: { ...process.env, FUZZ_RUNS: runs } },
);
process.exitCode = status ?? 1;
