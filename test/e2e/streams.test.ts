import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { sallyport } from '../support/command.ts';
import { ask, CHAT } from '../support/http.ts';

/** Starts a stream that does not end by itself; its first bytes have come. */
async function endless(it: TestGateway, key: string) {
  let isBegun = (): void => undefined;
  const begun = new Promise<void>((resolve) => (isBegun = resolve));
  let seen = '';
  const answer = ask(it, {
    key,
    body: { ...CHAT, max_tokens: 10_000, stream: true },
    onData(text) {
      seen += text;
      if (seen.split('data:').length > 3) isBegun();
    },
  });
  await begun;
  return { answer };
}

test('who asks sees what runs on all workers, and ends one request of it; the others go on', async () => {
  await using it = await startTestGateway({
    plain: true,
    workers: 2,
    simulator: { chunkIntervalMs: 20, answerTokens: 10_000 },
  });
  const { key, record } = await it.issue();
  assert.deepEqual(await it.gateway.admin.running(), []);
  const all = await Promise.all(Array.from({ length: 6 }, () => endless(it, key)));
  const seen = await it.gateway.admin.running();
  assert.equal(seen.length, 6);
  const [one] = seen;
  assert.ok(one !== undefined);
  assert.deepEqual(
    [one.holder, one.tenant, one.address, one.route, one.model, one.isStream],
    [`key:${record.id}`, 'default', '127.0.0.1', 'chat-completions', 'tiny', true],
  );
  assert.ok(one.outputTokens > 0);
  assert.equal((await it.gateway.admin.stopRunning(one.requestId))?.holder, `key:${record.id}`);
  assert.equal(await it.gateway.admin.stopRunning('no such request'), undefined);
  const ended = await Promise.race(all.map(({ answer }) => answer));
  assert.equal(ended.headers['x-request-id'], one.requestId);
  assert.match(ended.text, /"code":"stopped"/);
  assert.equal((await it.gateway.admin.running()).length, 5);
  for (const { requestId } of seen.slice(1)) await it.gateway.admin.stopRunning(requestId);
  await Promise.all(all.map(({ answer }) => answer));
});

test('a live view shows what runs every second, as events, until its key is revoked', async () => {
  await using it = await startTestGateway({
    plain: true,
    workers: 1,
    simulator: { chunkIntervalMs: 20, answerTokens: 10_000 },
  });
  const { key } = await it.issue();
  const admin = await it.issue({ scopes: ['admin:read'] });
  const { answer } = await endless(it, key);
  const headers = { authorization: `Bearer ${admin.key}`, accept: 'text/event-stream' };
  const view = await fetch(`${it.gateway.adminUrl}/api/v1/streams`, { headers });
  assert.deepEqual([view.status, view.headers.get('content-type')], [200, 'text/event-stream; charset=utf-8']);
  const seen: number[] = [];
  for await (const part of view.body ?? []) {
    const data = /^data: (.*)$/m.exec(Buffer.from(part).toString())?.[1] ?? '{}';
    const { items } = JSON.parse(data) as { items: { outputTokens: number }[] };
    seen.push(items[0]?.outputTokens ?? -1);
    if (seen.length === 2) await sallyport(it.stateDir, `keys revoke ${admin.record.id}`);
  }
  assert.ok(seen.length === 2 && (seen[1] ?? 0) > (seen[0] ?? 0), String(seen));
  await it.gateway.admin.stopRunning((await it.gateway.admin.running())[0]?.requestId ?? '');
  await answer;
});
