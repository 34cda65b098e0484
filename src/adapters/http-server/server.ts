import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server as TlsServer,
  type TlsOptions,
} from 'node:tls';
import type { Downstream } from '../../kernel/transport.ts';
import { plainAddress } from '../../wire/address.ts';
import { ServerConnection, type BrokenHead, type ConnectionOptions } from './connection.ts';

export type { BrokenHead } from './connection.ts';

/** What a listener is told. The limits are read anew for each request and connection, so that a reload changes them. */
export interface ServerOptions extends ConnectionOptions {
  /** TLS material; undefined listens in the clear. */
  readonly tls: TlsOptions | undefined;
}

/** Whom a listener asks and tells. */
export interface ServerEvents {
  /** A request whose head has arrived. */
  request(downstream: Downstream): void;
  /**
   * A connection whose head could not be read: the response to send as it stands. `target` is what was made out of the
   * request line, unjudged, else empty.
   */
  brokenHead(kind: BrokenHead, target: string, peerAddress: string): string;
  /** A new connection; a function that is called when it has closed, or undefined to close it at once. */
  connection(peerAddress: string): (() => void) | undefined;
}

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

/** How often time limits are looked at; a limit is kept to within it. */
const MAX_SWEEP_MS = 1_000;
const MIN_SWEEP_MS = 20;

/** Creates a listener over `node:net` or `node:tls`; HTTP is read by `RequestReader`. */
export function createPublicServer(options: ServerOptions, events: ServerEvents): PublicServer {
  const { clock } = options;
  /** All TCP connections. */
  const sockets = new Set<Socket>();
  /** Those that can carry requests: after the handshake, where there is one. */
  const connections = new Set<ServerConnection>();
  /** Those whose handshake has not ended. */
  const handshakes = new Set<Handshake>();
  const handshakeOf = new Map<string, Handshake>();
  let isDraining = false;

  const secure: TlsServer | undefined =
    options.tls === undefined
      ? undefined
      : createTlsServer({
          ALPNProtocols: ['http/1.1'],
          ...options.tls,
          noDelay: true,
          handshakeTimeout: options.headMs,
        });
  const server: Server = secure ?? createTcpServer({ allowHalfOpen: true, noDelay: true });

  // Raw TCP connections, before any handshake.
  server.on('connection', (socket: Socket) => {
    // The peer has gone already: such a socket tells nothing of its end, and has no address to be known by.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const peerAddress = plainAddress(socket.remoteAddress);
    const closed = events.connection(peerAddress);
    if (closed === undefined) return void socket.destroy();
    sockets.add(socket);
    const startedMs = clock.monotonicMs();
    if (secure === undefined) adopt(socket, peerAddress, startedMs);
    else begin({ id: connectionId(socket), socket, peerAddress, startedMs });
    socket.once('close', () => {
      sockets.delete(socket);
      closed();
    });
  });
  secure?.on('secureConnection', (socket) => {
    const handshake = handshakeOf.get(connectionId(socket));
    if (handshake === undefined) return void socket.destroy();
    end(handshake);
    // Not before: a peer that ends during its handshake has gone.
    socket.allowHalfOpen = true;
    adopt(socket, handshake.peerAddress, handshake.startedMs);
  });

  function begin(handshake: Handshake): void {
    handshakes.add(handshake);
    handshakeOf.set(handshake.id, handshake);
    handshake.socket.once('close', () => end(handshake));
  }

  function end(handshake: Handshake): void {
    handshakes.delete(handshake);
    // The kernel may have given the ports of one that has gone to another.
    if (handshakeOf.get(handshake.id) === handshake) handshakeOf.delete(handshake.id);
  }

  function adopt(socket: Socket, address: string, startedMs: number): void {
    const peer = { address, isEncrypted: secure !== undefined, startedMs };
    const connection = new ServerConnection(socket, peer, options, events, () => isDraining);
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  }

  // One look at all connections now and then, in place of several timers for each.
  const sweepMs = Math.max(MIN_SWEEP_MS, Math.min(MAX_SWEEP_MS, options.headMs / 4, options.writeMs / 4));
  const sweep = clock.after(sweepMs, () => {
    const nowMs = clock.monotonicMs();
    for (const connection of connections) connection.check(nowMs);
    for (const { socket, startedMs } of handshakes) if (nowMs - startedMs >= options.headMs) socket.destroy();
    sweep.refresh();
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
        isDraining = true;
        server.close(() => resolve());
        for (const connection of connections) connection.endIfUnused();
        for (const { socket } of handshakes) socket.destroy();
      }),
    destroy() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A connection whose TLS handshake has not ended. */
interface Handshake {
  readonly id: string;
  readonly socket: Socket;
  readonly peerAddress: string;
  readonly startedMs: number;
}

/** The same for a TLS socket and the TCP socket below it. */
const connectionId = ({ remoteAddress, remotePort, localAddress }: Socket): string =>
  `${remoteAddress}|${remotePort}|${localAddress}`;
