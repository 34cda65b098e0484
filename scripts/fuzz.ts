import { globSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

/** The long runs of every property of the parsers and counters: `npm run fuzz [-- RUNS]`, 20,000 each unless told. */
const runs = process.argv[2] ?? '20000';
const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts']).filter((file) =>
  readFileSync(file, 'utf8').includes('fc.assert('),
);
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
