import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer, type TestServer } from '../support/valkey.ts';
import { flood, PROGRAM, startFleet, tally, untilCounters, usedIn, type FleetLimits } from './valkey/fleet.ts';
import { openWay } from './valkey/way.ts';

/** A server with a replica, behind one address that leads to the one in charge, and two gateways on it. */

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts a replica of a server; resolves once it has all that this one has. */
async function startReplica({ port }: TestServer): Promise<TestServer> {
  const replica = await startTestServer(PROGRAM, ['--replicaof', `127.0.0.1 ${port}`]);
  while (!(await replica.command('INFO', 'replication')).includes('master_link_status:up')) await later(20);
  return replica;
}

/** Floods while the server in charge dies and its replica takes its place. @param lagsMs how far the replica is behind */
async function failOver(limits: FleetLimits, lagsMs: number, callers: number) {
  await using server = await startTestServer(PROGRAM);
  await using replica = await startReplica(server);
  await using way = await openWay(server.port);
  await using fleet = await startFleet(limits, {}, { server, urls: [way.url, way.url] });
  const key = fleet.issuer.token();
  let isOver = false;
  const flooding = flood(fleet, key, { callers, until: () => isOver });
  await later(600 - lagsMs);
  if (lagsMs > 0) replica.pause();
  await later(lagsMs);
  await server.kill();
  // Its replica takes over only once these have been answered: nobody waits for a server.
  const meanwhile = await flood(fleet, key, { callers, times: 4 * callers });
  replica.resume();
  await replica.command('REPLICAOF', 'NO', 'ONE');
  way.leadTo(replica.port);
  await untilCounters(fleet, 'up');
  await later(1_000);
  isOver = true;
  const result = await flooding;
  const answers = [...meanwhile.answers, ...result.answers];
  // As fast as the machine is, it goes on until the limit is met.
  const startedMs = performance.now();
  while (!answers.some(({ status }) => status === 429)) {
    answers.push(...(await flood(fleet, key, { callers, times: 40 })).answers);
  }
  const tookMs = result.tookMs + performance.now() - startedMs;
  assert.ok((await replica.command('INFO', 'replication')).includes('role:master'));
  return {
    ...result,
    answers,
    tookMs,
    log: fleet.gateways.map(({ log }) => log.filter((line) => line.includes('"counters_'))),
  };
}

for (const [what, lagsMs] of [
  ['that has all', 0],
  ['that is 400 ms behind', 400],
] as const) {
  test(`a server that fails over to a replica ${what} stops nobody and lets in not one request too many`, async (t) => {
    const limit = 240;
    const limits = { requestsPerMinute: limit, concurrency: 'none' } as const;
    const { answers, tookMs, log } = await failOver(limits, lagsMs, 8);
    const counts = tally(answers);
    const most = limit + Math.floor(tookMs / (60_000 / limit));
    t.diagnostic(`${counts['200']} of ${most} passed in ${Math.round(tookMs)} ms`);
    assert.equal((counts['200'] ?? 0) + (counts['429 rate_limited'] ?? 0), answers.length, JSON.stringify(counts));
    assert.ok((counts['200'] ?? 0) <= most, `${counts['200']} of ${most}`);
    for (const lines of log) assert.match(lines.at(-1) ?? '', /counters_up/);
  });

  test(`a budget of tokens is the same after a failover to a replica ${what}`, async (t) => {
    const tokens = 3_000;
    const budget = { tokens, per: 'day' } as const;
    const { answers } = await failOver({ requestsPerMinute: 'none', concurrency: 'none', budget }, lagsMs, 4);
    const used = usedIn(answers);
    t.diagnostic(`${used} of ${tokens} used; ${JSON.stringify(tally(answers))}`);
    assert.ok((tally(answers)['429 budget_exhausted'] ?? 0) > 0);
    assert.ok(used <= tokens && used > 0.95 * tokens, `${used}`);
  });
}
