import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceFiles } from './source-tree.ts';

/**
 * Who may import whom (style guide, section 3). A folder that is not here may be imported by nobody but itself;
 * `own` is the folder at the given depth, so that siblings stay strangers.
 */
const COMMON = ['kernel', 'wire', 'vllm', 'jwt', 'directory', 'limits'];
const RULES: readonly { readonly folder: string; readonly may: readonly string[]; readonly depth: number }[] = [
  { folder: 'kernel', may: [], depth: 1 },
  { folder: 'wire', may: ['kernel'], depth: 1 },
  { folder: 'vllm', may: ['kernel', 'wire'], depth: 1 },
  { folder: 'jwt', may: ['kernel', 'wire'], depth: 1 },
  { folder: 'directory', may: ['kernel'], depth: 1 },
  { folder: 'limits', may: ['kernel'], depth: 1 },
  { folder: 'policies', may: ['kernel', 'wire', 'directory'], depth: 1 },
  { folder: 'stages', may: [...COMMON, 'policies'], depth: 2 },
  { folder: 'observers', may: COMMON, depth: 2 },
  { folder: 'oauth', may: COMMON, depth: 1 },
  { folder: 'keyring', may: ['kernel'], depth: 1 },
  { folder: 'anomaly', may: ['kernel', 'wire'], depth: 1 },
  { folder: 'alerts', may: ['kernel', 'wire'], depth: 1 },
  { folder: 'telemetry', may: ['kernel', 'wire'], depth: 1 },
  { folder: 'audit-log', may: ['kernel', 'wire'], depth: 1 },
  { folder: 'forward', may: COMMON, depth: 1 },
  { folder: 'simulator', may: COMMON, depth: 1 },
  { folder: 'isolation', may: COMMON, depth: 1 },
  { folder: 'doctor', may: COMMON, depth: 1 },
  { folder: 'incident', may: ['kernel', 'wire', 'audit-log'], depth: 1 },
  { folder: 'review', may: ['kernel', 'wire', 'directory'], depth: 1 },
  {
    folder: 'admin',
    may: ['kernel', 'wire', 'directory', 'limits', 'vllm', 'policies', 'audit-log', 'review'],
    depth: 1,
  },
  { folder: 'config', may: ['kernel', '*config.ts'], depth: 1 },
  {
    folder: 'adapters',
    may: [
      ...['kernel', 'wire', 'directory', 'limits', 'forward', 'simulator', 'doctor', 'oauth', 'keyring', 'audit-log'],
      ...['alerts', 'stages/fetch-media', 'adapters/tls', 'observers/log'],
    ],
    depth: 2,
  },
  { folder: 'gateway', may: ['*'], depth: 1 },
  { folder: 'cli', may: ['*'], depth: 1 },
  { folder: 'main.ts', may: ['*'], depth: 1 },
];

const files = sourceFiles();

test('every folder has its import rule', () => {
  const unknown = files.filter(
    ({ path }) => !RULES.some(({ folder }) => path === folder || path.startsWith(`${folder}/`)),
  );
  assert.deepEqual(
    unknown.map(({ path }) => path),
    [],
  );
});

test('no file imports what its folder may not', () => {
  const offending = files.flatMap(({ path, imports }) => {
    const rule = RULES.find(({ folder }) => path === folder || path.startsWith(`${folder}/`));
    if (rule === undefined || rule.may.includes('*')) return [];
    const own = path.split('/').slice(0, rule.depth).join('/');
    return imports
      .filter(({ path: to }) => to !== own && !to.startsWith(`${own}/`))
      .filter(
        ({ path: to }) =>
          !rule.may.some((may) => to.startsWith(`${may}/`) || (may === '*config.ts' && to.endsWith('config.ts'))),
      )
      .map(({ path: to }) => `${path} imports ${to}`);
  });
  assert.deepEqual(offending, []);
});

test('imports make no circle', () => {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) return void circles.push([...way.slice(way.indexOf(path)), path].join(' -> '));
    if (done.has(path)) return;
    for (const { path: to } of byPath.get(path)?.imports ?? []) visit(to, [...way, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  assert.deepEqual(circles, []);
});

test('only adapters, the composition root and the commands do I/O', () => {
  const IO =
    /^node:(fs|net|http|https|tls|dns|child_process|worker_threads|sqlite|dgram|process|os)(\/|$)|^(undici|pino|ws)$/;
  /** Modules whose use here is computation or a type: `isIP`, `STATUS_CODES`. */
  const PURE_USES = new Set([
    'kernel/option.ts node:net',
    'kernel/host.ts node:net',
    'wire/address.ts node:net',
    'oauth/authorization-server.ts node:http',
    'oauth/origin.ts node:http',
    'oauth/form.ts node:http',
    'oauth/interactions/exchange.ts node:http',
    'oauth/interactions/pages.ts node:http',
  ]);
  const offending = files
    .filter(({ path }) => !/^(adapters|gateway|cli|main\.ts|config)(\/|$)/.test(path))
    .flatMap(({ path, packages }) => packages.filter((name) => IO.test(name)).map((name) => `${path} ${name}`))
    .filter((use) => !PURE_USES.has(use));
  assert.deepEqual(
    offending.filter((use) => !use.endsWith('config.ts node:net')),
    [],
  );
});

test('no worker is started with execArgv, by which it would leave the permission model', () => {
  assert.deepEqual(
    files.filter(({ text }) => /execArgv/.test(text)).map(({ path }) => path),
    [],
  );
});

test('nothing generates code', () => {
  const offending = files.filter(({ text }) => /\beval\(|new Function\(|node:vm/.test(text));
  assert.deepEqual(
    offending.map(({ path }) => path),
    [],
  );
});

test('there are no enums, no any, and no default exports', () => {
  const offending = files.filter(({ text }) =>
    /^\s*(export )?(const )?enum |: any\b|<any>|as any\b|^export default/m.test(text),
  );
  assert.deepEqual(
    offending.map(({ path }) => path),
    [],
  );
});
