import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request that a sink was sent. */
export interface Sunk {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly json: Record<string, unknown>;
}

/** A server that keeps what it is sent. */
export interface Sink extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly got: readonly Sunk[];
  /** Resolves once it was sent so many. */
  until(count: number): Promise<readonly Sunk[]>;
}

/** How a sink answers; `index` counts from 0. */
export type SinkAnswer = (response: ServerResponse, index: number) => void;

/** Starts a sink on loopback, over TLS with a certificate of its own where there is one. */
export async function startSink(
  answer: SinkAnswer = (response) => void response.writeHead(202).end('taken'),
  tls?: { readonly key: string; readonly cert: string },
): Promise<Sink> {
  const got: Sunk[] = [];
  const waiting = new Set<() => void>();
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part: string) => (body += part));
    request.on('end', () => {
      got.push({ path: request.url ?? '', headers: request.headers, body, json: Object(parsed(body)) });
      answer(response, got.length - 1);
      for (const look of waiting) look();
    });
  };
  const server = tls === undefined ? createPlain(take) : createTls(tls, take);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    got,
    until: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (got.length < count) return;
          waiting.delete(look);
          resolve(got);
        };
        waiting.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
