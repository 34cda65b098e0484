import { createBodyBudget, createBodyMemory } from '../../src/adapters/http-server/body-budget.ts';
import { createSocketOpener } from '../../src/adapters/web-socket/server-socket.ts';
import { createPublicServer } from '../../src/adapters/http-server/server.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { freePort } from '../support/free-port.ts';
import { downstreamContract } from './downstream.ts';

downstreamContract(
  'http-server',
  async (onRequest, { bodyMs = 5_000, writeMs = 5_000, minBytesPerSecond = 0, budgetBytes = 1_000_000 } = {}) => {
    const server = createPublicServer(
      {
        tls: undefined,
        proxyProtocol: 'off',
        maxHeadBytes: 16_384,
        headMs: 5_000,
        bodyMs,
        idleMs: 5_000,
        writeMs,
        minBodyRate: minBytesPerSecond,
        openSocket: createSocketOpener({ maxFrameBytes: 65_536, closeMs: 2_000 }),
        budget: createBodyBudget(createBodyMemory(1), () => budgetBytes, 0),
        clock: systemClock,
      },
      {
        request: onRequest,
        brokenHead: () => 'HTTP/1.1 400 Bad Request\r\n\r\n',
        connection: () => () => undefined,
        client: () => () => undefined,
      },
    );
    const port = await freePort();
    await server.listen('127.0.0.1', port);
    return {
      port,
      async [Symbol.asyncDispose]() {
        const drained = server.drain();
        server.destroy();
        await drained;
      },
    };
  },
);
