import { rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { getRequestListener } from '@hono/node-server';
import { serverTlsOptions } from '../adapters/tls/context.ts';
import { createAdminApp } from '../admin/app.ts';
import type { AdminDeps } from '../admin/ports.ts';
import { urlHost } from '../kernel/host.ts';
import { ListenError, listenUnix } from './unix-listener.ts';
import type { TlsForWorkers } from './threads/messages.ts';

/** Where the admin API listens. */
export interface AdminListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Unix socket in the state directory (mode 0600). */
  readonly socketPath: string;
  readonly tls: TlsForWorkers | undefined;
}

/** The admin listener and socket. */
export interface RunningAdmin {
  readonly url: string;
  setTls(tls: TlsForWorkers): void;
  stop(): Promise<void>;
}

/** Starts the admin API on its listener and on the Unix socket that the commands use. */
export async function startAdmin(deps: AdminDeps, options: AdminListenerOptions): Promise<RunningAdmin> {
  const app = createAdminApp(deps);
  const listenerFor = (isSocket: boolean) => {
    const listener = getRequestListener(
      (request, { incoming }) =>
        app.fetch(request, {
          isSocket,
          address: isSocket ? '' : ((incoming as IncomingMessage).socket.remoteAddress ?? ''),
        }),
      { overrideGlobalObjects: false },
    );
    return (request: IncomingMessage, response: ServerResponse) => void listener(request, response);
  };
  const limits = {
    maxHeaderSize: 16 * 1024,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 1000,
  };
  const secure =
    options.tls === undefined
      ? undefined
      : createHttpsServer({ ...limits, ...serverTlsOptions(options.tls, options.tls.ticketKeys) }, listenerFor(false));
  const server = secure ?? createHttpServer(limits, listenerFor(false));
  const socket = createHttpServer(limits, listenerFor(true));
  server.maxConnections = 256;
  socket.maxConnections = 256;

  const port = await listenTcp(server, options.host, options.port);
  await listenUnix(socket, options.socketPath);
  return {
    url: `${secure === undefined ? 'http' : 'https'}://${urlHost(options.host)}:${port}`,
    setTls: (tls) => secure?.setSecureContext(serverTlsOptions(tls, tls.ticketKeys)),
    async stop() {
      await Promise.all([close(server), close(socket)]);
      rmSync(options.socketPath, { force: true });
    },
  };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function listenTcp(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error & { code?: string }) => {
      reject(
        new ListenError(
          `the admin listener cannot use ${host}:${port} (${error.code ?? error.message}): give another --admin-listen HOST:PORT`,
        ),
      );
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
