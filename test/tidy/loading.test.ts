import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceFiles } from './source-tree.ts';

/**
 * What the start of each thread and process loads: the packages and the folders that its static imports reach. What
 * only some starts need is behind an `import()` there, for a start is mostly the loading of files.
 */
const ENTRIES: Readonly<Record<string, { readonly packages: readonly string[]; readonly never?: readonly string[] }>> =
  {
    // The launcher, of every start: no schema, no knowledge of vLLM.
    'cli/sandbox.ts': { packages: ['yaml'], never: ['vllm', 'stages', 'gateway', 'admin', 'forward'] },
    'main.ts': { packages: [], never: ['config', 'vllm', 'stages', 'admin', 'adapters'] },
    'cli/serve.ts': {
      packages: [
        '@hono/node-server',
        'hono',
        'ipaddr.js',
        'lru-cache',
        'node:http',
        'node:https',
        'pino',
        'ws',
        'yaml',
        'zod',
      ],
      never: [
        'adapters/acme/challenges/tls-alpn-01.ts',
        'adapters/tls/self-signed.ts',
        'adapters/sqlite/tables.ts',
        // Nothing is encrypted before the first client or user.
        'adapters/files/root-key.ts',
        'keyring/control.ts',
        'keyring/keyring.ts',
        'simulator',
      ],
    },
    'gateway/threads/worker.ts': {
      packages: ['ipaddr.js', 'lru-cache', 'ws'],
      never: ['config', 'admin', 'adapters/sqlite', 'adapters/acme', 'simulator', 'doctor'],
    },
    'gateway/threads/store.ts': {
      packages: ['kysely', 'node:sqlite'],
      never: ['vllm', 'stages', 'config', 'admin', 'forward', 'wire'],
    },
  };

/** Built-in modules whose import costs as much as a package's (src/kernel/http-module.ts). */
const HEAVY = new Set(['node:http', 'node:https', 'node:http2', 'node:sqlite']);

const byPath = new Map(sourceFiles().map((file) => [file.path, file]));

function reached(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const open = [entry];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (files.has(path)) continue;
    files.add(path);
    const file = byPath.get(path);
    for (const name of file?.loadedPackages ?? []) if (!name.startsWith('node:') || HEAVY.has(name)) packages.add(name);
    open.push(...(file?.imports ?? []).filter(({ isType }) => !isType).map((one) => one.path));
  }
  return { files, packages };
}

for (const [entry, { packages: allowed, never = [] }] of Object.entries(ENTRIES)) {
  test(`${entry} loads the packages that it always needs, and no more`, () => {
    const { files, packages } = reached(entry);
    assert.ok(files.size > 2, 'it imports something');
    assert.deepEqual([...packages].sort(), allowed);
    assert.deepEqual(
      [...files].filter((path) => never.some((one) => path === one || path.startsWith(`${one}/`))),
      [],
    );
  });
}
