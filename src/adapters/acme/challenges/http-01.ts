import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { SolverFault, type ChallengeAnswer, type Solver } from './solver.ts';

/** Where the answers of HTTP-01 are. */
export interface HttpSolverOptions {
  readonly host: string;
  /** 80 for a CA; another one behind a forward of port 80. */
  readonly port: number;
  /** Where all other requests are sent. */
  readonly publicUrl: string;
}

const PREFIX = '/.well-known/acme-challenge/';
const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 1_000,
  connectionsCheckingInterval: 1_000,
};
const MAX_CONNECTIONS = 128;

/**
 * Answers HTTP-01 (RFC 8555 §8.3) on a port of its own, and sends everything else to the public URL. It holds nothing
 * secret, reads no body, and closes every connection after its answer.
 */
export function createHttpSolver({ host, port, publicUrl }: HttpSolverOptions): Solver {
  const answers = new Map<string, string>();
  let server: Server | undefined;
  let opening: Promise<void> | undefined;

  function listen(): Promise<void> {
    const opened = createServer(LIMITS, (request, response) => {
      const { method, url = '' } = request;
      response.setHeader('connection', 'close');
      response.setHeader('content-type', 'text/plain');
      response.setHeader('x-content-type-options', 'nosniff');
      const answer = url.startsWith(PREFIX) ? answers.get(url.slice(PREFIX.length)) : undefined;
      if (method !== 'GET' && method !== 'HEAD') return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
      if (answer !== undefined) return void response.writeHead(200).end(answer);
      // A path of the caller's own only where it is a plain one: nothing of it can lead to another host.
      if (url.startsWith(PREFIX) || !/^\/[\w\-./~%?=&]*$/.test(url)) return void response.writeHead(404).end();
      response.writeHead(308, { location: `${publicUrl}${url}` }).end();
    });
    const open = new Set<Socket>();
    opened.on('connection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      const [oldest] = open;
      if (open.size <= MAX_CONNECTIONS || oldest === undefined) return;
      // Not the newest: whoever asks is answered at once, so what fills the place asks nothing, and a CA must get in.
      open.delete(oldest);
      oldest.destroy();
    });
    return new Promise((resolve, reject) => {
      opened.once('error', (error: Error & { code?: string }) => reject(new SolverFault(wordsOf(error, port))));
      opened.listen({ host, port }, () => {
        server = opened;
        opened.on('error', () => undefined);
        resolve();
      });
    });
  }

  function open(): Promise<void> {
    opening ??= listen().catch((error: unknown) => {
      opening = undefined; // the port may be free the next time
      throw error;
    });
    return opening;
  }

  return {
    open,
    async present(all: readonly ChallengeAnswer[]) {
      await open();
      for (const { token, keyAuthorization } of all) answers.set(token, keyAuthorization);
    },
    withdraw() {
      answers.clear();
      return Promise.resolve();
    },
    stop() {
      server?.close();
      server?.closeAllConnections();
      server = undefined;
      opening = undefined;
    },
  };
}

function wordsOf({ code, message }: Error & { code?: string }, port: number): string {
  if (code === 'EACCES') {
    return (
      `this user may not listen on port ${port} for HTTP-01: give the service AmbientCapabilities=CAP_NET_BIND_SERVICE, ` +
      `or set listen.tls.acme.httpPort to a port above 1023 and forward port ${port} to it`
    );
  }
  if (code === 'EADDRINUSE') {
    return `port ${port} is taken, so HTTP-01 cannot be answered: end the other process, or use challenge tls-alpn-01`;
  }
  return `HTTP-01 cannot be answered on port ${port} (${code ?? message})`;
}
