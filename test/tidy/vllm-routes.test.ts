import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { SCOPES } from '../../src/kernel/scope.ts';
import { routes } from '../../src/vllm/routes/index.ts';
import { matchRoute } from '../../src/vllm/routes/match.ts';
import { OPENABLE_ROUTES, openedRoutes } from '../../src/vllm/routes/opened.ts';
import type { RouteRow } from '../../src/vllm/routes/route.ts';

interface DumpedRoute {
  readonly path: string;
  readonly methods: readonly string[];
  readonly kind: 'http' | 'websocket' | 'mount';
}

const folder = new URL('../data/vllm-openapi/', import.meta.url);
const byAge = new Intl.Collator('en', { numeric: true });
/** Routes of released versions, oldest first, as their applications list them with every switch on. */
const releases = readdirSync(folder)
  .map((name) => name.replace(/\.json$/, ''))
  .sort((a, b) => byAge.compare(a, b))
  .map((vllm) => {
    // The files are ours and this is their form.
    const { routes: dumped } = JSON.parse(readFileSync(new URL(`${vllm}.json`, folder), 'utf8')) as {
      routes: DumpedRoute[];
    };
    return { vllm, dumped };
  });

/** Routes that only a release without dump, a plugin or an optional package has. */
const WITHOUT_DUMP = ['/cohere/v2/chat'];

test('there are dumps to compare with', () => {
  assert.deepEqual(
    releases.map(({ vllm }) => vllm),
    ['0.9.2', '0.11.0', '0.16.0', '0.22.0', '0.28.0', '0.32.0', '0.33.0'],
  );
});

for (const { vllm, dumped } of releases) {
  test(`every route of vLLM ${vllm} has its own row with its methods`, () => {
    for (const route of dumped) {
      const row = rowOf(route);
      assert.ok(row !== undefined, `${route.path} is in no family of src/vllm/routes/`);
      assert.equal(row.isSocket === true, route.kind === 'websocket', route.path);
      for (const method of route.methods) assert.ok(isOneOf(row.methods, method), `${method} ${route.path}`);
    }
  });
}

test('every row says the first dumped release that has its route', () => {
  for (const row of routes) {
    const first = releases.find(({ dumped }) => dumped.some((route) => rowOf(route) === row))?.vllm;
    if (first === undefined) assert.ok(WITHOUT_DUMP.includes(row.path), `${row.path} is in no dump`);
    else assert.equal(row.since ?? '0.9.2', first, row.path);
  }
});

test('every method of a row is one that some release answers', () => {
  for (const row of routes.filter(({ path, isSocket }) => !WITHOUT_DUMP.includes(path) && isSocket !== true)) {
    const dumped = releases.flatMap((release) => release.dumped.filter((route) => rowOf(route) === row));
    if (dumped.every(({ kind }) => kind === 'mount')) continue;
    for (const method of row.methods)
      assert.ok(
        dumped.some(({ methods }) => isOneOf(methods, method)),
        row.id,
      );
  }
});

test('ids and paths are there once', () => {
  for (const values of [routes.map(({ id }) => id), routes.map(({ path }) => path)]) {
    assert.deepEqual(values, [...new Set(values)]);
  }
});

test('every row has a stable id, a method, and a sentence that says why', () => {
  for (const row of routes) {
    assert.match(row.id, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
    assert.match(row.path, /^\/[A-Za-z0-9_/.{}-]*\*?$/);
    assert.ok(row.methods.length > 0, row.id);
    assert.match(row.why, /^([A-Z]|vLLM ).*\.$/, row.id);
    assert.ok(row.scope === undefined || SCOPES.includes(row.scope), row.id);
  }
});

test('every row that is open or can be has a scope, a family and exactly one method', () => {
  for (const row of routes.filter(({ policy }) => policy !== 'closed')) {
    assert.ok(row.scope !== undefined && row.family !== undefined, row.id);
    assert.equal(row.methods.length, 1, row.id);
  }
});

test('exactly the routes that are meant to be are open', () => {
  const open = routes.filter(({ policy }) => policy === 'open' || policy === 'own').map(({ path }) => path);
  assert.deepEqual(open.sort(), [
    '/detokenize',
    '/tokenize',
    '/v1/audio/transcriptions',
    '/v1/audio/translations',
    '/v1/chat/completions',
    '/v1/completions',
    '/v1/embeddings',
    '/v1/messages',
    '/v1/messages/count_tokens',
    '/v1/models',
    '/v1/realtime',
    '/v1/rerank',
    '/v1/responses',
    '/v1/score',
  ]);
});

test('exactly the routes that are meant to be can be opened', () => {
  const openable = routes.filter(({ policy }) => policy === 'openable');
  assert.deepEqual(OPENABLE_ROUTES.toSorted(), [
    'chat-completions-batch',
    'classify',
    'embed-v2',
    'pooling',
    'rerank-v2',
  ]);
  assert.deepEqual(
    openable.filter(({ openedBy }) => openedBy !== undefined).map(({ id }) => id),
    ['responses-get', 'responses-cancel', 'load-lora-adapter'],
  );
});

test('a configuration opens what it names, the loading of adapters by its places, stored responses by their switch', () => {
  const opened = (openRoutes: string[], loraPaths: string[] = [], storedResponses = false) => [
    ...openedRoutes({ openRoutes, loraPaths, storedResponses }),
  ];
  assert.deepEqual(opened([]), []);
  assert.deepEqual(opened(['pooling', 'embed-v2']), ['embed-v2', 'pooling']);
  assert.deepEqual(opened(['load-lora-adapter', 'metrics', 'score']), []);
  assert.deepEqual(opened([], ['/srv/adapters']), ['load-lora-adapter']);
  assert.deepEqual(opened([], [], true), ['responses-get', 'responses-cancel']);
});

/** The row that was written for a dumped route, not merely one whose pattern happens to match its path. */
function rowOf({ path }: DumpedRoute): RouteRow | undefined {
  const own = routes.find((row) => row.path.replace(/\/?\*$/, '') === path);
  return own !== undefined && matchRoute(path.replace(/\{\w+\}/g, 'x')) === own ? own : undefined;
}

function isOneOf(list: readonly string[], value: string): boolean {
  return list.includes(value);
}
