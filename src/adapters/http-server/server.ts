import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import {
  createSecureContext,
  createServer as createTlsServer,
  TLSSocket,
  type SecureContext,
  type SecureContextOptions,
  type Server as TlsServer,
  type TlsOptions,
} from 'node:tls';
import type { ClientCertificate, Downstream } from '../../kernel/transport.ts';
import { plainAddress } from '../../wire/address.ts';
import { readClientHello } from './client-hello.ts';
import { giveBack, readFirstBytes } from './first-bytes.ts';
import { readProxyHeader, type ProxyVersion } from './proxy-header.ts';
import { ServerConnection, type BrokenHead, type ConnectionOptions } from './connection.ts';

export type { BrokenHead } from './connection.ts';

/** What a listener is told. The limits are read anew for each request and connection, so that a reload changes them. */
export interface ServerOptions extends ConnectionOptions {
  /** TLS material; undefined listens in the clear. */
  readonly tls: TlsOptions | undefined;
  /** Reads the certificate of a client; left out, every client counts as one without. */
  readonly clientCertificateOf?: ((socket: TLSSocket) => ClientCertificate | undefined) | undefined;
  /** Whether every connection begins with a header of the PROXY protocol. */
  readonly proxyProtocol: ProxyVersion | 'off';
}

/** What answers a CA that looks for a name by TLS-ALPN-01 (RFC 8737); PEM texts. */
export interface AlpnAnswer {
  /** In lower case. */
  readonly name: string;
  readonly certPem: string;
  readonly keyPem: string;
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
  /** The client for whom a proxy has opened a connection (PROXY protocol); likewise. */
  client(address: string): (() => void) | undefined;
}

/** A listener on the public port. */
export interface PublicServer {
  listen(host: string, port: number): Promise<void>;
  /**
   * Swaps certificate and key; open connections go on. Where the CA of client certificates is another one, what was
   * judged by the one before counts for no further request.
   */
  setSecureContext(context: SecureContextOptions): void;
  /** What answers TLS-ALPN-01 from now on, in place of what did; empty where no CA is asked to look. */
  setAlpn(answers: readonly AlpnAnswer[]): void;
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
  let clientCa = options.tls?.ca;

  /** Contexts that answer TLS-ALPN-01, by name. */
  let alpn: ReadonlyMap<string, SecureContext> = new Map();

  /** Never listens itself: it is handed connections, most of them untouched. */
  const secure: TlsServer | undefined =
    options.tls === undefined
      ? undefined
      : createTlsServer({ ALPNProtocols: ['http/1.1'], ...options.tls, handshakeTimeout: options.headMs });
  const server: Server = createTcpServer({ allowHalfOpen: secure === undefined, noDelay: true });

  // Raw TCP connections, before any handshake.
  server.on('connection', (socket: Socket) => {
    // The peer has gone already: such a socket tells nothing of its end, and has no address to be known by.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const peerAddress = plainAddress(socket.remoteAddress);
    const closed = events.connection(peerAddress);
    if (closed === undefined) return void socket.destroy();
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      closed();
    });
    const startedMs = clock.monotonicMs();
    const { proxyProtocol } = options;
    const peer = { peerAddress, isUnknown: false, startedMs };
    if (proxyProtocol === 'off' && alpn.size === 0) return begin(socket, peer);
    // Until it is known what it is, it has the time of a handshake.
    const look = { id: connectionId(socket), socket, ...peer };
    wait(look);
    readFirstBytes(
      socket,
      (bytes) => firstLook(bytes, proxyProtocol, secure !== undefined && alpn.size > 0),
      (seen) => {
        end(look);
        if (seen.kind === 'bad') return void socket.destroy();
        if (seen.address !== undefined) {
          const left = events.client(seen.address);
          if (left === undefined) return void socket.destroy();
          socket.once('close', left);
        }
        giveBack(socket, seen.rest);
        const context = seen.alpnName === undefined ? undefined : alpn.get(seen.alpnName);
        if (context !== undefined) return answerAlpn(socket, context, look);
        if (proxyProtocol === 'off') return begin(socket, peer);
        const isUnknown = seen.address === undefined;
        begin(socket, { peerAddress: seen.address ?? peerAddress, isUnknown, startedMs });
      },
    );
  });

  function begin(socket: Socket, accepted: Accepted): void {
    if (secure === undefined) return adopt(socket, accepted, undefined);
    wait({ id: connectionId(socket), socket, ...accepted });
    secure.emit('connection', socket);
  }

  /** Shows a CA the certificate of its challenge, and ends: nothing else is ever said on such a connection (RFC 8737 §3). */
  function answerAlpn(socket: Socket, secureContext: SecureContext, look: Handshake): void {
    wait(look);
    const shown = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: [ACME_PROTOCOL] });
    shown.on('error', () => socket.destroy());
    shown.on('secure', () => shown.end());
    shown.resume();
  }

  secure?.on('secureConnection', (socket) => {
    const handshake = handshakeOf.get(connectionId(socket));
    if (handshake === undefined) return void socket.destroy();
    end(handshake);
    // Not before: a peer that ends during its handshake has gone.
    socket.allowHalfOpen = true;
    adopt(socket, handshake, options.clientCertificateOf?.(socket));
  });

  function wait(handshake: Handshake): void {
    handshakes.add(handshake);
    handshakeOf.set(handshake.id, handshake);
    handshake.socket.once('close', () => end(handshake));
  }

  function end(handshake: Handshake): void {
    handshakes.delete(handshake);
    // The kernel may have given the ports of one that has gone to another.
    if (handshakeOf.get(handshake.id) === handshake) handshakeOf.delete(handshake.id);
  }

  function adopt(
    socket: Socket,
    { peerAddress, isUnknown, startedMs }: Accepted,
    certificate: ClientCertificate | undefined,
  ): void {
    const peer = { address: peerAddress, isUnknown, certificate, isEncrypted: secure !== undefined, startedMs };
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
      if (context.ca === clientCa) return;
      clientCa = context.ca;
      for (const connection of connections) connection.forgetCertificate();
      // Begun with the CA before: they would be let in by it later than all others.
      for (const { socket } of handshakes) socket.destroy();
    },
    setAlpn(answers) {
      alpn = new Map(
        answers.map(({ name, certPem, keyPem }) => [
          name,
          createSecureContext({ cert: certPem, key: keyPem, minVersion: 'TLSv1.2' }),
        ]),
      );
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

/** The protocol by which a CA asks for the certificate of a challenge (RFC 8737 §6.2). */
const ACME_PROTOCOL = 'acme-tls/1';

/** What the first bytes of a connection tell. */
type FirstLook =
  | { readonly kind: 'bad' }
  | {
      readonly kind: 'good';
      /** The client's address, where a proxy has told it. */
      readonly address: string | undefined;
      /** The name whose challenge is asked for; undefined on every usual connection. */
      readonly alpnName: string | undefined;
      /** What belongs to the connection itself. */
      readonly rest: Buffer;
    };

/** Judges the first bytes: the proxy's header where one is due, then the ClientHello where a CA may be looking. */
function firstLook(bytes: Buffer, proxyProtocol: ProxyVersion | 'off', isAlpnDue: boolean): FirstLook | 'more' {
  const header = proxyProtocol === 'off' ? NO_HEADER : readProxyHeader(proxyProtocol, bytes);
  if (header === 'more') return 'more';
  if (header === 'bad') return { kind: 'bad' };
  const rest = bytes.subarray(header.length);
  const address = header.address === undefined ? undefined : plainAddress(header.address);
  const usual: FirstLook = { kind: 'good', address, alpnName: undefined, rest };
  if (!isAlpnDue) return usual;
  const hello = readClientHello(rest);
  if (hello === 'more') return 'more';
  if (hello === 'other') return usual;
  // RFC 8737 §3: a CA offers this protocol alone.
  const isForCa = hello.protocols.length === 1 && hello.protocols[0] === ACME_PROTOCOL;
  return isForCa ? { ...usual, alpnName: hello.serverName } : usual;
}

const NO_HEADER = { length: 0, address: undefined };

/** Who has connected, and when. */
interface Accepted {
  readonly peerAddress: string;
  /** A proxy has not said for whom it is. */
  readonly isUnknown: boolean;
  /** Monotonic. */
  readonly startedMs: number;
}

/** A connection whose TLS handshake has not ended. */
interface Handshake extends Accepted {
  readonly id: string;
  readonly socket: Socket;
}

/** The same for a TLS socket and the TCP socket below it. */
const connectionId = ({ remoteAddress, remotePort, localAddress }: Socket): string =>
  `${remoteAddress}|${remotePort}|${localAddress}`;
