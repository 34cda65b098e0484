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

/** What a listener is told. The limits are read anew for each request and connection, so that a reload changes them. */
export interface ServerOptions {
  /** TLS material; undefined listens in the clear. */
  readonly tls: TlsOptions | undefined;
  readonly maxHeadBytes: number;
  readonly headMs: number;
  readonly bodyMs: number;
  readonly idleMs: number;
  /** How long a peer may leave what it was sent unread. */
  readonly writeMs: number;
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
  /** Works with the limits as they are now in its options. */
  applyLimits(): void;
  /** Accepts nothing more; resolves when all connections have ended. Idle ones end at once. */
  drain(): Promise<void>;
  /** Cuts what is left. */
  destroy(): void;
}

/** Creates a listener over `node:http` or `node:https`. */
export function createPublicServer(options: ServerOptions, events: ServerEvents): PublicServer {
  const { clock } = options;
  const http = {
    // The whole request is timed by the body reader, which can answer in the caller's form.
    requestTimeout: 0,
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
  applyLimits();

  const sockets = new Set<Socket>();
  /** Connections that can carry requests: the TLS sockets, or the TCP ones where there is no TLS. */
  const live = new Set<Socket>();
  const states = new WeakMap<Duplex, ConnectionState>();
  const handshaking = new Map<string, ConnectionState>();
  let isDraining = false;

  function applyLimits(): void {
    server.headersTimeout = options.headMs;
    server.keepAliveTimeout = options.idleMs;
    // Time without any progress, reading or writing; what it means is decided below.
    server.timeout = options.writeMs;
    Object.assign(server, { maxHeaderSize: options.maxHeadBytes });
  }

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
    const state: ConnectionState = {
      peerAddress,
      head,
      current: undefined,
      isBroken: false,
      waiting: [],
      queued: 0,
      queuedSinceMs: 0,
    };
    const id = connectionId(socket);
    socket.once('close', () => {
      head.cancel();
      sockets.delete(socket);
      handshaking.delete(id);
      closed();
    });
    if (options.tls === undefined) adopt(socket, state);
    else handshaking.set(id, state);
  });
  server.on('secureConnection', (socket: Socket) => {
    const id = connectionId(socket);
    const state = handshaking.get(id);
    handshaking.delete(id);
    if (state === undefined) return void socket.destroy();
    adopt(socket, state);
  });

  function adopt(socket: Socket, state: ConnectionState): void {
    states.set(socket, state);
    live.add(socket);
    socket.once('close', () => live.delete(socket));
    // Closed with bytes unread, the kernel would throw away the answer that the peer has not read yet: so what still
    // comes is read and dropped for a moment (RFC 9112 §9.6).
    let isLingering = false;
    socket.destroySoon = () => {
      if (isLingering || socket.destroyed) return;
      isLingering = true;
      if (!socket.writableEnded) socket.end();
      const linger = clock.after(LINGER_MS, () => socket.destroy());
      socket.once('close', () => linger.cancel());
      socket.resume();
    };
  }

  // Node's own time limit is for connections on which nothing runs; a request that runs may be silent for long.
  server.on('timeout', (socket: Socket) => {
    if (states.get(socket)?.current === undefined) socket.destroy();
  });

  const sweepMs = Math.max(20, Math.min(MAX_SWEEP_MS, options.writeMs / 4));
  const sweep = clock.after(sweepMs, () => {
    for (const socket of live) cutIfStalled(socket);
    sweep.refresh();
  });

  /** Cuts a peer that has left what it was sent unread for its time; what it sends meanwhile does not count for it. */
  function cutIfStalled(socket: Socket): void {
    const state = states.get(socket);
    if (state === undefined) return;
    const queued = socket.writableLength === 0 ? 0 : queuedBytes(socket);
    if (queued === 0 || queued !== state.queued) {
      state.queued = queued;
      state.queuedSinceMs = clock.monotonicMs();
    } else if (clock.monotonicMs() - state.queuedSinceMs >= options.writeMs) {
      socket.destroy();
    }
  }

  function handle(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const { socket } = request;
    const state = states.get(socket);
    if (state === undefined) return void socket.destroy();
    // Already ended by the answer before: this one was read behind it.
    if (socket.writableEnded || socket.destroyed) return void request.resume();
    state.head?.cancel();
    // The parser also takes 0.9 and 2.0, for which nothing of what we judge is defined.
    if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') {
      if (state.current !== undefined) return void socket.destroy();
      return answerRaw(socket, events.brokenHead('malformed'));
    }
    const start = () => {
      state.current = request;
      const onClose = (): void => {
        state.current = undefined;
        // What was read behind an answer that ends the connection is not believed (RFC 9112 §9.6): were it executed,
        // a refused message could carry the next request in with it.
        if (socket.destroyed || socket.writableEnded || state.isBroken) {
          state.waiting.length = 0;
          return void socket.destroySoon();
        }
        const next = state.waiting.shift();
        if (next === undefined) return;
        if (state.waiting.length === 0) socket.resume();
        next();
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
            isLast: () => isDraining,
          },
        ),
      );
    };
    // A pipelined request waits for the answer before it: what the first one does (a close, a refusal) decides
    // whether the next one may be believed at all.
    if (state.current === undefined) return start();
    if (state.waiting.length >= MAX_PIPELINED) return void socket.destroy();
    state.waiting.push(start);
    // Nothing more is read meanwhile: what waits is kept in memory, and nobody has yet said whether it may.
    socket.pause();
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
    applyLimits,
    drain: () =>
      new Promise((resolve) => {
        isDraining = true;
        server.close(() => resolve());
        server.closeIdleConnections();
        // Node stops its own timer of heads with `close`: half a head must not hold up the end.
        clock.after(options.headMs, () => {
          for (const socket of sockets) if (states.get(socket)?.current === undefined) socket.destroy();
        });
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
  /** Bytes that waited for the peer at the last look, and since when it is this many. */
  queued: number;
  queuedSinceMs: number;
}

const MAX_PIPELINED = 16;
const LINGER_MS = 2_000;
const MAX_SWEEP_MS = 5_000;

/** Bytes that the kernel has not taken yet; Node itself judges by it whether a write goes on (`net.Socket` timeouts). */
function queuedBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { writeQueueSize?: number } | null };
  return handle?.writeQueueSize ?? socket.writableLength;
}

/** The same for a TLS socket and the TCP socket below it. */
const connectionId = (socket: Socket): string => `${socket.remoteAddress}|${socket.remotePort}`;

function brokenHeadOf(code: string | undefined): BrokenHead {
  if (code === 'HPE_HEADER_OVERFLOW') return 'too-large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'timeout';
  return 'malformed';
}

function answerRaw(socket: Duplex, text: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(text, () => socket.destroy());
}
