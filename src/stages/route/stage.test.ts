import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnyExchange } from '../../kernel/exchange.ts';
import type { OpenRoute, ParsedHead, Principal } from '../../kernel/exchange.ts';
import type { Denial } from '../../kernel/reasons.ts';
import { SCOPES } from '../../kernel/scope.ts';
import type { Scope } from '../../kernel/scope.ts';
import type { Downstream } from '../../kernel/transport.ts';
import { routes } from '../../vllm/routes/index.ts';
import type { RouteRow } from '../../vllm/routes/route.ts';
import { createRoute } from './stage.ts';

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly scopes?: readonly Scope[];
  readonly isUpgrade?: boolean;
}

const stage = createRoute();

function ask(
  { method = 'POST', path, scopes = SCOPES, isUpgrade = false }: Asked,
  asked = stage,
): {
  denial: Denial | undefined;
  route: OpenRoute | undefined;
} {
  const head: ParsedHead = { method, path, headers: new Map(), hasBody: false, isUpgrade };
  const principal: Principal = {
    id: 'key:abc',
    keyId: 'abc',
    token: undefined,
    marks: ['key:abc'],
    tenant: 'default',
    owner: undefined,
    roles: [],
    groups: [],
    scopes: new Set(scopes),
    models: new Set(['*']),
    limits: {},
    pools: [],
    grants: new Set(),
    caps: {},
    onBehalfOf: undefined,
    member: undefined,
  };
  const downstream = {} as Downstream; // the stage does not touch it
  const x = Object.assign(new AnyExchange('id', 0, downstream, false), { head, principal });
  const denial = asked.decide?.(x);
  assert.ok(!(denial instanceof Promise));
  return { denial, route: x.route };
}

for (const { id, method, path, family, scope } of [
  { id: 'chat-completions', method: 'POST', path: '/v1/chat/completions', family: 'chat', scope: 'inference:chat' },
  {
    id: 'completions',
    method: 'POST',
    path: '/v1/completions',
    family: 'completions',
    scope: 'inference:completions',
  },
  { id: 'embeddings', method: 'POST', path: '/v1/embeddings', family: 'embeddings', scope: 'inference:embeddings' },
  { id: 'responses', method: 'POST', path: '/v1/responses', family: 'responses', scope: 'inference:responses' },
  { id: 'messages', method: 'POST', path: '/v1/messages', family: 'messages', scope: 'inference:messages' },
  {
    id: 'messages-count-tokens',
    method: 'POST',
    path: '/v1/messages/count_tokens',
    family: 'count-tokens',
    scope: 'inference:messages',
  },
  { id: 'models', method: 'GET', path: '/v1/models', family: 'models', scope: 'models:read' },
] as const) {
  test(`${method} ${path} is open to who has ${scope} and nothing else`, () => {
    const { denial, route } = ask({ method, path, scopes: [scope] });
    assert.equal(denial, undefined);
    assert.deepEqual(route, { id, method, path, family, scope });
  });

  test(`${method} ${path} is insufficient_scope for who has every scope but ${scope}`, () => {
    const { denial, route } = ask({ method, path, scopes: SCOPES.filter((other) => other !== scope) });
    assert.equal(denial?.code, 'insufficient_scope');
    assert.equal(denial.scope, scope);
    assert.equal(route, undefined);
  });

  test(`${path} with another method is method_not_allowed with Allow: ${method}, without a scope too`, () => {
    for (const other of ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'get', 'QUERY']) {
      if (other === method) continue;
      const { denial } = ask({ method: other, path, scopes: [] });
      assert.equal(denial?.code, 'method_not_allowed', other);
      assert.equal(denial.allow, method);
    }
  });

  test(`an upgrade on ${path} is upgrade_required, once method and scope are right`, () => {
    assert.equal(ask({ method, path, isUpgrade: true }).denial?.code, 'upgrade_required');
    assert.equal(ask({ method, path, isUpgrade: true, scopes: [] }).denial?.code, 'insufficient_scope');
  });
}

test('every route that is neither open nor own is route_closed for every method and every scope', () => {
  for (const row of routes.filter(({ policy }) => policy !== 'open' && policy !== 'own')) {
    const path = row.path.replace(/\{\w+\}/g, 'x').replace(/\/?\*$/, '');
    for (const method of [...row.methods, 'HEAD', 'OPTIONS']) {
      const { denial, route } = ask({ method, path });
      assert.equal(denial?.code, 'route_closed', row.id);
      assert.ok(denial.message.endsWith(row.why));
      assert.equal(route, undefined);
    }
  }
});

for (const path of [
  '/',
  '/v1',
  '/v1/',
  '/v1/chat',
  '/v1/chat/completions/',
  '/V1/chat/completions',
  '/v1/chat/Completions',
  '/v1/chat%2fcompletions',
  '/v1/ch%61t/completions',
  '//v1/chat/completions',
  '/v1/chat/completionsx',
  '/v1/models/tiny',
  '/v1/usage',
  '/__proto__',
  'constructor',
  '',
]) {
  test(`the path ${JSON.stringify(path)} is unknown_route`, () => {
    assert.equal(ask({ path }).denial?.code, 'unknown_route');
  });
}

test('a handshake of WebSocket on /v1/responses is upgrade_required, without the scope and while it is closed too', () => {
  const handshake = { method: 'GET', path: '/v1/responses', isUpgrade: true };
  assert.equal(ask(handshake).denial?.code, 'upgrade_required');
  assert.equal(ask({ ...handshake, scopes: [] }).denial?.code, 'upgrade_required');
  const row = routes.find(({ id }) => id === 'responses') ?? assert.fail();
  const closed = createRoute({ matchRoute: () => ({ ...row, policy: 'closed' }) });
  assert.equal(ask(handshake, closed).denial?.code, 'upgrade_required');
  assert.equal(ask({ ...handshake, isUpgrade: false }, closed).denial?.code, 'route_closed');
});

test('an upgrade on another closed route is route_closed', () => {
  assert.equal(ask({ method: 'GET', path: '/metrics', isUpgrade: true }).denial?.code, 'route_closed');
});

test('an upgrade on the route that speaks WebSocket passes, for GET and with the scope alone', () => {
  const handshake = { method: 'GET', path: '/v1/realtime', isUpgrade: true };
  assert.equal(ask(handshake).route?.id, 'realtime');
  assert.equal(ask({ ...handshake, scopes: [] }).denial?.code, 'insufficient_scope');
  assert.equal(ask({ ...handshake, method: 'POST' }).denial?.code, 'method_not_allowed');
});

test('the same fact is given for every request of a route', () => {
  assert.equal(ask({ path: '/v1/completions' }).route, ask({ path: '/v1/completions' }).route);
});

for (const row of routes.filter(({ policy }) => policy === 'openable')) {
  const method = row.methods[0] ?? '';
  const opened = createRoute({ opened: new Set([row.id]) });

  test(`${row.path} is open to who has its scope where the configuration opens it, and it alone`, () => {
    const scopes = row.scope === undefined ? [] : [row.scope];
    const { denial, route } = ask({ method, path: row.path, scopes }, opened);
    assert.equal(denial, undefined);
    assert.deepEqual(route, { id: row.id, family: row.family, method, path: row.path, scope: row.scope });
    const others = SCOPES.filter((scope) => scope !== row.scope);
    assert.equal(ask({ method, path: row.path, scopes: others }, opened).denial?.code, 'insufficient_scope');
    for (const other of routes.filter(({ policy, id }) => policy === 'openable' && id !== row.id)) {
      assert.equal(ask({ method, path: other.path }, opened).denial?.code, 'route_closed');
    }
  });
}

test('naming a route that is always closed opens nothing', () => {
  const opened = createRoute({ opened: new Set(routes.map(({ id }) => id)) });
  for (const row of routes.filter(({ policy, path }) => policy === 'closed' && !/[{*]/.test(path))) {
    assert.equal(ask({ method: row.methods[0] ?? '', path: row.path }, opened).denial?.code, 'route_closed', row.id);
  }
});

for (const { name, row } of [
  { name: 'without scope', row: { policy: 'open', family: 'chat' } },
  { name: 'without family', row: { policy: 'open', scope: 'inference:chat' } },
  {
    name: 'that is a socket by POST',
    row: { policy: 'open', scope: 'inference:chat', family: 'chat', isSocket: true },
  },
  { name: 'that is only openable', row: { policy: 'openable', scope: 'inference:chat', family: 'chat' } },
] as const) {
  test(`a row ${name} stays closed`, () => {
    const whole: RouteRow = { id: 'x', path: '/x', methods: ['POST'], class: 'inference', why: 'For a test.', ...row };
    const { denial } = ask({ path: '/x' }, createRoute({ matchRoute: () => whole }));
    assert.equal(denial?.code, 'route_closed');
  });
}
