import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchRoute } from './match.ts';

for (const { path, id } of [
  { path: '/v1/chat/completions', id: 'chat-completions' },
  { path: '/v1/responses', id: 'responses' },
  { path: '/v1/responses/resp_1', id: 'responses-get' },
  { path: '/v1/responses/render', id: 'responses-render' },
  { path: '/v1/responses/resp_1/cancel', id: 'responses-cancel' },
  { path: '/v1/responses/', id: undefined },
  { path: '/v1/responses//cancel', id: undefined },
  { path: '/v1/responses/resp_1/delete', id: undefined },
  { path: '/v1/responses/resp_1/cancel/x', id: undefined },
  { path: '/adapters/a', id: 'adapters-unload' },
  { path: '/adapters/a/b', id: undefined },
  { path: '/metrics', id: 'metrics' },
  { path: '/metrics/x', id: 'metrics' },
  { path: '/metricsfoo', id: 'metrics' },
  { path: '/metric', id: undefined },
  { path: '/static', id: 'static' },
  { path: '/static/a/b.js', id: 'static' },
  { path: '/staticfoo', id: undefined },
  { path: '/Health', id: undefined },
  { path: '/{response_id}', id: undefined },
]) {
  test(`${path} is ${id === undefined ? 'no known route' : `the route ${id}`}`, () => {
    assert.equal(matchRoute(path)?.id, id);
  });
}
