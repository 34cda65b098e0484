import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import type { Clock, Timer } from '../../kernel/clock.ts';
import type { Downstream } from '../../kernel/transport.ts';
import { plainAddress } from '../../wire/address.ts';
import type { BodyBudget } from './body-budget.ts';
import { NodeDownstream } from './downstream.ts';

/** What a listener is told. */
export interface ServerOptions {
  /** TLS material; undefined listens in the clear. */
  readonly tls: TlsOptions | undefined;
  readonly maxHeadBytes: number;
  readonly headMs: number;
  readonly bodyMs: number;
  readonly idleMs: number;
  readonly minBodyRate: number;
  readonly budget: BodyBudget;
  readonly clock: Clock;
}

/** Whom a listener asks and tells. */
export interface ServerEvents {
  /** A request whose head has arrived. `close` ends its connection after the answer. */
  request(downstream: Downstream): void;
  /** A connection whose head could not be read: the response to send as it stands, or undefined to just close. */
  brokenHead(kind: BrokenHead): string;
  /** A new connection; a function that is called when it has closed, or undefined to close it at once. */
  connection(peerAddress: string): (() => void) | undefined;
}

/** What was wrong with a head. */
export type BrokenHead = 'malformed' | 'too-large' | 'timeout' | 'connect';

/** A listener on the public port. */
export interface PublicServer {
  listen(host: string, port: number): Promise<void>;
  /** Swaps certificate and key; open connections go on. */
  setSecureContext(context: SecureContextOptions): void;
  /** Accepts nothing more; resolves when all connections have ended. Idle ones end at once. */
  drain(): Promise<void>;
  /** Cuts what is left. */
  destroy(): void;
}

/** Creates a listener over `node:http` or `node:https`. */
export function createPublicServer(options: ServerOptions, events: ServerEvents): PublicServer {
  const { clock } = options;
  const http = {
    maxHeaderSize: options.maxHeadBytes,
    headersTimeout: options.headMs,
    // The whole request is timed by the body reader, which can answer in the caller's form.
    requestTimeout: 0,
    keepAliveTimeout: options.idleMs,
    connectionsCheckingInterval: Math.min(1000, options.headMs),
    insecureHTTPParser: false,
    requireHostHeader: false,
    noDelay: true,
  };
  const secure =
    options.tls === undefined
      ? undefined
      : createHttpsServer({ ...http, ...options.tls, handshakeTimeout: options.headMs });
  const server: Server | HttpsServer = secure ?? createHttpServer(http);
  // Node drops headers beyond its count in silence; ours are counted, all of them, when the head is judged.
  server.maxHeadersCount = 0;
  server.timeout = 0;

  const sockets = new Set<Socket>();
  const states = new WeakMap<Duplex, ConnectionState>();

  // Raw TCP connections, before any handshake.
  server.on('connection', (socket: Socket) => {
    const peerAddress = plainAddress(socket.remoteAddress ?? '');
    const closed = events.connection(peerAddress);
    if (closed === undefined) return void socket.destroy();
    sockets.add(socket);
    // Covers the handshake and the first head, so that a silent connection is not kept.
    const head = clock.after(options.headMs, () => {
      if (options.tls !== undefined) socket.destroy();
    });
    socket.once('close', () => {
      head.cancel();
      sockets.delete(socket);
      closed();
    });
    if (options.tls === undefined)
      states.set(socket, { peerAddress, head, current: undefined, isBroken: false, waiting: [] });
    else
      pending.set(`${socket.remoteAddress}|${socket.remotePort}`, {
        peerAddress,
        head,
        current: undefined,
        isBroken: false,
        waiting: [],
      });
    socket.once('close', () => pending.delete(`${socket.remoteAddress}|${socket.remotePort}`));
  });
  const pending = new Map<string, ConnectionState>();
  server.on('secureConnection', (socket: Socket) => {
    const id = `${socket.remoteAddress}|${socket.remotePort}`;
    const state = pending.get(id);
    pending.delete(id);
    states.set(
      socket,
      state ?? {
        peerAddress: plainAddress(socket.remoteAddress ?? ''),
        head: undefined,
        current: undefined,
        isBroken: false,
        waiting: [],
      },
    );
  });

  function handle(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const state = states.get(request.socket);
    if (state === undefined) return void request.socket.destroy();
    // Already ended by the answer before: this one was read behind it.
    if (request.socket.writableEnded || request.socket.destroyed) return;
    state.head?.cancel();
    // The parser also takes 0.9 and 2.0, for which nothing of what we judge is defined.
    if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') {
      if (state.current !== undefined) return void request.socket.destroy();
      return answerRaw(request.socket, events.brokenHead('malformed'));
    }
    const start = () => {
      state.current = request;
      const onClose = (): void => {
        state.current = undefined;
        const { socket } = request;
        // What was read behind an answer that ends the connection is not believed (RFC 9112 §9.6): were it executed,
        // a refused message could carry the next request in with it.
        if (socket.destroyed || socket.writableEnded || state.isBroken) {
          state.waiting.length = 0;
          return void socket.destroySoon();
        }
        state.waiting.shift()?.();
      };
      events.request(
        new NodeDownstream(
          request,
          response,
          { peerAddress: state.peerAddress, isEncrypted: options.tls !== undefined },
          {
            limits: { bodyMs: options.bodyMs, minBytesPerSecond: options.minBodyRate },
            budget: options.budget,
            clock,
            expectsContinue,
            onClose,
          },
        ),
      );
    };
    // A pipelined request waits for the answer before it: what the first one does (a close, a refusal) decides
    // whether the next one may be believed at all.
    if (state.current === undefined) return start();
    if (state.waiting.length >= MAX_PIPELINED) return void request.socket.destroy();
    state.waiting.push(start);
  }

  server.on('request', (request: IncomingMessage, response: ServerResponse) => handle(request, response, false));
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => handle(request, response, true));
  // Other expectations are refused when the head is judged.
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    handle(request, response, false),
  );
  server.on('connect', (_: IncomingMessage, socket: Duplex) => answerRaw(socket, events.brokenHead('connect')));
  server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    // A request of this connection is being answered: a second answer beside it would be taken for its body.
    const state = states.get(socket);
    if (state?.current !== undefined) {
      // Its own body is broken: it ends here. Else it ends with its answer, and what came behind it is dropped.
      if (!state.current.complete) return void socket.destroy();
      state.isBroken = true;
      state.waiting.length = 0;
      return;
    }
    answerRaw(socket, events.brokenHead(brokenHeadOf(error.code)));
  });

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port, reusePort: true, backlog: 4096 }, () => {
          server.off('error', reject);
          resolve();
        });
      }),
    setSecureContext(context) {
      secure?.setSecureContext(context);
    },
    drain: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    destroy() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** What is known of one connection. */
interface ConnectionState {
  readonly peerAddress: string;
  /** Runs until the first head has arrived. */
  readonly head: Timer | undefined;
  /** The request that is being answered. */
  current: IncomingMessage | undefined;
  /** What came behind `current` could not be read. */
  isBroken: boolean;
  readonly waiting: (() => void)[];
}

const MAX_PIPELINED = 16;

function brokenHeadOf(code: string | undefined): BrokenHead {
  if (code === 'HPE_HEADER_OVERFLOW') return 'too-large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'timeout';
  return 'malformed';
}

function answerRaw(socket: Duplex, text: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(text, () => socket.destroy());
}
