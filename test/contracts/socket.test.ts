import { createBodyBudget, createBodyMemory } from '../../src/adapters/http-server/body-budget.ts';
import { createPublicServer } from '../../src/adapters/http-server/server.ts';
import { createSocketOpener } from '../../src/adapters/web-socket/server-socket.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { freePort } from '../support/free-port.ts';
import { CLOSE_MS, MAX_FRAME_BYTES, socketContract } from './socket.ts';

socketContract('web-socket', async (onRequest) => {
  const server = createPublicServer(
    {
      tls: undefined,
      proxyProtocol: 'off',
      maxHeadBytes: 16_384,
      headMs: 5_000,
      bodyMs: 5_000,
      idleMs: 5_000,
      writeMs: 5_000,
      minBodyRate: 0,
      openSocket: createSocketOpener({ maxFrameBytes: MAX_FRAME_BYTES, closeMs: CLOSE_MS }),
      budget: createBodyBudget(createBodyMemory(1), () => 1_000_000, 0),
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
});
