import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';

const ENGINE = { maxNumSeqs: 64, prefillMs: 1, chunkIntervalMs: 0 };
const OPEN = {
  limits: { default: { requestsPerMinute: 'none', concurrency: 'none' }, perIp: { requestsPerMinute: 'none' } },
};
const CONVERSATIONS = 16;
const TURNS = 6;
/** Eighty words, so five blocks of the cache, that no other conversation has. */
const words = (name: string) => Array.from({ length: 80 }, (_, i) => `${name}${i}`).join(' ');

/** The part of all prompts that two servers had in their caches already, conversations going on side by side. */
async function hitRate(balance: 'affinity' | 'least'): Promise<number> {
  await using second = await disposable();
  await using it = await startTestGateway({
    plain: true,
    workers: 2,
    config: OPEN,
    simulator: ENGINE,
    upstreams: [
      { name: 'one', balance },
      { name: 'two', balance, url: second.url },
    ],
  });
  const { key } = await it.issue();
  await Promise.all(
    Array.from({ length: CONVERSATIONS }, async (_, conversation) => {
      const messages: object[] = [];
      for (let turn = 0; turn < TURNS; turn++) {
        messages.push({ role: 'user', content: words(`c${conversation}t${turn}w`) });
        const { status } = await ask(it, { key, body: { model: 'tiny', messages, max_tokens: 4 } });
        assert.equal(status, 200);
        messages.push({ role: 'assistant', content: 'well' });
      }
    }),
  );
  const loads = [it.simulator.load(), second.load()];
  assert.ok(
    loads.every(({ queries }) => queries > 0),
    'both servers have something to do',
  );
  return loads.reduce((sum, { hits }) => sum + hits, 0) / loads.reduce((sum, { queries }) => sum + queries, 0);
}

async function disposable() {
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], ...ENGINE });
  return { ...simulator, [Symbol.asyncDispose]: () => simulator.close() };
}

test('requests of one conversation that begin at once have the places of all servers', async () => {
  await using second = await disposable();
  await using it = await startTestGateway({
    plain: true,
    config: OPEN,
    simulator: ENGINE,
    upstreams: [
      { name: 'one', balance: 'affinity', concurrency: 3, queue: { size: 0 } },
      { name: 'two', balance: 'affinity', concurrency: 3, queue: { size: 0 }, url: second.url },
    ],
  });
  const { key } = await it.issue();
  for (const simulator of [it.simulator, second]) simulator.misbehave({ kind: 'hang', times: 3 });
  const controller = new AbortController();
  const all = Array.from({ length: 6 }, () => ask(it, { key, signal: controller.signal }).catch(() => undefined));
  const running = () => [it.simulator.running(), second.running()];
  while (running().join() !== '3,3') await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await ask(it, { key })).code, 'overloaded');
  controller.abort();
  await Promise.all(all);
});

test('with affinity a conversation finds what it has said before in the cache of its server', async () => {
  const affine = await hitRate('affinity');
  const spread = await hitRate('least');
  // All but the last turn of each prompt was said before: 15 of 21 parts.
  assert.ok(affine > 0.6, `${affine.toFixed(2)} of the prompts`);
  assert.ok(affine > spread + 0.1, `${affine.toFixed(2)} beside ${spread.toFixed(2)}`);
});
