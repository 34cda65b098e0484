import { globSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { quickImports } from './quick-imports.ts';

/**
 * Runs all tests that need nothing but the registry: those beside the sources and those of `test/` except
 * `test/services`. Words on the command line name files instead.
 */
const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : globSync(['src/**/*.test.ts', 'test/**/*.test.ts'])
        .filter((file) => !file.startsWith('test/services/'))
        .sort();
/** What V8 and the stripping of types made of a source, kept: hundreds of processes and threads load the same ones. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url));
const NODE_OPTIONS = await quickImports(fileURLToPath(new URL('..', import.meta.url)));
const result = spawnSync(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=2', '--test-timeout=120000', ...files],
  { stdio: 'inherit', env: { NODE_COMPILE_CACHE, NODE_OPTIONS, ...process.env } },
);
process.exitCode = result.status ?? 1;
