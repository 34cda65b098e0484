import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestAdmin } from '../../test/support/admin.ts';
import { deny } from '../kernel/reasons.ts';

const headers = { authorization: 'Bearer scopes=admin:read', accept: 'text/event-stream' };

/** A view of what runs, whose next look comes when it is told to. */
function setUp() {
  const state = { isBanned: false, isForbidden: false, isUsable: true, authenticated: 0 };
  let go: (() => void) | undefined;
  const { deps, app } = createTestAdmin({
    judgeAddress: () => (state.isBanned ? deny('ip_denied') : undefined),
    judgePolicies: () => (state.isForbidden ? deny('condition_failed') : undefined),
    isStillUsable: () => state.isUsable,
  });
  const { authenticate } = deps;
  Object.assign(deps, {
    authenticate: (asked: Parameters<typeof authenticate>[0]) => {
      state.authenticated++;
      return authenticate(asked);
    },
    clock: {
      ...deps.clock,
      after: (_ms: number, work: () => void) => {
        go = work;
        return { cancel: () => undefined, refresh: () => undefined };
      },
    },
  });
  return {
    state,
    look: async (more: Record<string, string> = {}) => {
      const env = { isSocket: false, address: '192.0.2.1' };
      const view = await app.request('/api/v1/streams', { headers: { ...headers, ...more } }, env);
      const reader = (view.body as ReadableStream<Uint8Array>).getReader();
      assert.equal((await reader.read()).done, false);
      return async () => {
        await new Promise((resolve) => setImmediate(resolve));
        go?.();
        const { done } = await reader.read();
        return done ? 'ended' : 'goes on';
      };
    },
  };
}

for (const [what, change] of [
  ['an address that was banned meanwhile', { isBanned: true }],
  ['who is kept out by a policy meanwhile', { isForbidden: true }],
] as const)
  test(`${what} sees no more`, async () => {
    const { state, look } = setUp();
    const next = await look();
    assert.equal(await next(), 'goes on');
    Object.assign(state, change);
    assert.equal(await next(), 'ended');
  });

test('a token with a proof is not shown again, and sees no more once it has ended', async () => {
  const { state, look } = setUp();
  const next = await look({ dpop: 'a proof' });
  assert.equal(await next(), 'goes on');
  assert.equal(state.authenticated, 1);
  state.isUsable = false;
  assert.equal(await next(), 'ended');
});

test('one caller has four views at once, and others still get theirs; a view that is closed makes room', async () => {
  const { app } = createTestAdmin();
  const open = async (address: string, more: Record<string, string> = {}) =>
    app.request('/api/v1/streams', { headers: { ...headers, ...more } }, { isSocket: false, address });
  const views = await Promise.all(Array.from({ length: 5 }, () => open('192.0.2.1')));
  assert.deepEqual(views.map(({ status }) => status).sort(), [200, 200, 200, 200, 503]);
  const socket = await app.request('/api/v1/streams', { headers }, { isSocket: true, address: '' });
  assert.equal(socket.status, 200);
  await views.find(({ status }) => status === 200)?.body?.cancel();
  const again = await open('192.0.2.1');
  assert.equal(again.status, 200);
  for (const one of [...views, socket, again]) if (one.status === 200) await one.body?.cancel().catch(() => undefined);
});
