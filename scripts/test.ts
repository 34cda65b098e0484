import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { quickImports } from './quick-imports.ts';

/**
 * Runs all tests that need nothing but the registry: those beside the sources and those of `test/` except
 * `test/services`. Words on the command line name files instead, each in a process of its own.
 */
const named = process.argv.slice(2);
/** Files in one process. */
const GROUP = 12;
const files = named.length > 0 ? named : grouped(allTests());
/** What V8 and the stripping of types made of a source, kept: hundreds of processes and threads load the same ones. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url));
const NODE_OPTIONS = await quickImports(fileURLToPath(new URL('..', import.meta.url)));
const result = spawnSync(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=2', '--test-timeout=120000', ...files],
  { stdio: 'inherit', env: { NODE_COMPILE_CACHE, NODE_OPTIONS, ...process.env } },
);
process.exitCode = result.status ?? 1;

function allTests(): string[] {
  return globSync(['src/**/*.test.ts', 'test/**/*.test.ts'])
    .filter((file) => !file.startsWith('test/services/'))
    .sort();
}

/**
 * Puts tests of pure functions, a dozen files each, into one process: it takes longer to start than they do. What
 * has threads, sockets or files of its own stays alone.
 */
function grouped(all: readonly string[]): string[] {
  const isAlone = (file: string): boolean => /^(test|src\/(adapters|gateway|cli))\//.test(file);
  const together = all.filter((file) => !isAlone(file));
  const folder = fileURLToPath(new URL('../node_modules/.cache/grouped-tests', import.meta.url));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const groups = Array.from({ length: Math.ceil(together.length / GROUP) }, (_, i) => {
    const file = join(folder, `${i}.test.mjs`);
    const imports = together.slice(i * GROUP, (i + 1) * GROUP).map((one) => pathToFileURL(resolve(one)).href);
    writeFileSync(file, imports.map((url) => `import ${JSON.stringify(url)};\n`).join(''));
    return file;
  });
  return [...groups, ...all.filter(isAlone)];
}
