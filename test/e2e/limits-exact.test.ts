import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startTestGateway } from '../support/gateway.ts';

const OPEN = {
  limits: {
    default: { requestsPerMinute: 'none', concurrency: 'none', tokensPerMinute: 'none' },
    perIp: { requestsPerMinute: 'none' },
  },
};
const [RUNS, LIMIT, OFFERED, CONNECTIONS] = [20, 1_000, 1_060, 64];
const INTERVAL_MS = 60_000 / LIMIT;

test(`${CONNECTIONS} connections over 4 workers get exactly ${LIMIT} a minute, ${RUNS} runs of ${RUNS}`, async () => {
  await using it = await startTestGateway({ workers: 4, plain: true, config: OPEN });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const ask = (key: string): Promise<number> =>
    new Promise((resolve, reject) => {
      // The gateway answers it by itself: what is looked at is who is let in.
      request(`${it.url}/v1/models`, { agent, headers: { authorization: `Bearer ${key}` } }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      })
        .on('error', reject)
        .end();
    });
  for (let run = 0; run < RUNS; run++) {
    const { key } = await it.issue({ limits: { requestsPerMinute: LIMIT } });
    const startedMs = performance.now();
    const statuses = await Promise.all(Array.from({ length: OFFERED }, () => ask(key)));
    // One more comes back every 60 ms while the run lasts.
    const mostMore = Math.floor((performance.now() - startedMs) / INTERVAL_MS) + 1;
    const passed = statuses.filter((status) => status === 200).length;
    assert.equal(statuses.filter((status) => status === 429).length, OFFERED - passed);
    assert.ok(passed >= LIMIT && passed <= LIMIT + mostMore, `run ${run}: ${passed} passed, ${mostMore} came back`);
  }
  agent.destroy();
  // Connections are counted, too, until both sides have closed them.
  while (it.gateway.testing.held() > 0) await pause(10);
});
