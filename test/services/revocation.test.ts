import { after, before, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { assertEnds, REVOCATIONS } from '../support/revocations.ts';

/** Everything that can be taken back, by every way, each with 1,000 requests in flight on what is taken back. */
const IN_FLIGHT = 1_000;

let it: TestGateway;
before(async () => {
  it = await startTestGateway({
    plain: true,
    workers: 4,
    config: {
      listen: { publicUrl: PUBLIC_URL },
      limits: {
        default: { requestsPerMinute: 'none', concurrency: 'none', tokensPerMinute: 'none' },
        perIp: { requestsPerMinute: 'none', connections: 'none', failuresPerMinute: 'none' },
      },
    },
    simulator: { chunkIntervalMs: 5_000 },
  });
});
after(() => it[Symbol.asyncDispose]());

for (const { what, by, make } of REVOCATIONS)
  test(`RV-04 a ${what} that is taken back by ${by} ends 1,000 requests, and the next one on every worker`, async () =>
    assertEnds(it, await make(it), IN_FLIGHT));
