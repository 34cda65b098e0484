import type { Socket } from 'node:net';
import type { Handshake, Socket as WebSocket, SocketListener } from '../../kernel/transport.ts';
import { ConnectionDownstream, type BodyLimits, type Carrier, type ConnectionPeer } from './downstream.ts';
import { RequestReader, type HeadFault } from './request-reader.ts';
import { UnreadWatch } from './unread-watch.ts';

/** What was wrong with a head. */
export type BrokenHead = HeadFault['fault'] | 'timeout';

/** What a connection is told by its listener; read anew each time, so that a reload changes it. */
export interface ConnectionOptions extends BodyLimits {
  readonly maxHeadBytes: number;
  readonly headMs: number;
  /** How long a peer may leave what it was sent unread. */
  readonly writeMs: number;
  /** Makes a WebSocket of a connection; `rest` has come behind the head of its handshake. */
  readonly openSocket: (
    connection: Socket,
    rest: Buffer,
    handshake: Handshake,
    headers: readonly string[],
    listener: SocketListener,
  ) => WebSocket;
}

/** Whom a connection asks and tells. */
export interface ConnectionEvents {
  /** A request whose head has arrived. */
  request(downstream: ConnectionDownstream): void;
  /**
   * A head that could not be read: the response to send as it stands; the connection ends with it. `target` is what was
   * made out of the request line, unjudged, else empty.
   */
  brokenHead(kind: BrokenHead, target: string, peerAddress: string): string;
}

/** How long what still comes is read and dropped after an answer that ends the connection. */
const LINGER_MS = 2_000;
/** What may wait behind a request that is being answered before nothing more is read. */
const MAX_WAITING_BYTES = 4 * 1024;
/** Pipelined requests that are taken up at once before other connections have their turn. */
const MAX_IN_TURN = 16;

/** One connection of a peer: carries one request at a time, the next one not before the answer has left. */
export class ServerConnection implements Carrier {
  peer: ConnectionPeer;
  readonly reader = new RequestReader();
  private readonly socket: Socket;
  private readonly options: ConnectionOptions;
  private readonly events: ConnectionEvents;
  private readonly isGoingDown: () => boolean;
  private current: ConnectionDownstream | undefined = undefined;
  /** Monotonic milliseconds when the wait for a request ends; Infinity while one is answered. */
  private waitEndsMs: number;
  /** A head is waited for, not a next request that may never come. */
  private isHeadDue = true;
  /** Nothing more is believed of what comes. */
  private isOver = false;
  /** Its peer has to connect anew for its next request. */
  private isOutdated = false;
  /** It has become another protocol's, which alone reads, writes and ends it. */
  private isHandedOver = false;
  private readonly hearing: readonly (readonly [event: string, run: (bytes: Buffer) => void])[];
  /** Pipelined requests since others had their turn, and whether the next one waits for it. */
  private inTurn = 0;
  private isTurnDue = false;
  private readonly unread = new UnreadWatch();
  private isCut = false;

  /** @param startedMs monotonic milliseconds when its TCP connection was accepted */
  constructor(
    socket: Socket,
    peer: ConnectionPeer & { readonly startedMs: number },
    options: ConnectionOptions,
    events: ConnectionEvents,
    isGoingDown: () => boolean,
  ) {
    this.socket = socket;
    this.peer = peer;
    this.options = options;
    this.events = events;
    this.isGoingDown = isGoingDown;
    // From the TCP connection on, so that a slow handshake does not buy time for a slow head.
    this.waitEndsMs = peer.startedMs + options.headMs;
    this.hearing = [
      ['data', (bytes) => this.arrived(bytes)],
      ['drain', () => this.current?.hasDrained()],
      ['end', () => this.ended()],
      ['error', () => socket.destroy()],
      ['close', () => this.current?.closed(this.isCut ? 'cut' : 'left')],
    ];
    for (const [event, run] of this.hearing) socket.on(event, run);
  }

  /** Closes it unless a request is being answered, or a head has begun to come: that one has its time. */
  endIfUnused(): void {
    if (this.isHandedOver) return;
    if (this.current === undefined && !this.reader.hasUnread) this.socket.destroy();
  }

  /** Forgets the certificate of its peer, and ends once what is being answered on it is. */
  forgetCertificate(): void {
    if (this.peer.certificate === undefined) return;
    this.peer = { ...this.peer, certificate: undefined };
    this.isOutdated = true;
    this.endIfUnused();
  }

  /** Looks at the time: ends a peer that sends no head, or takes what it was sent too slowly. */
  check(nowMs: number): void {
    if (this.isHandedOver) return;
    if (nowMs >= this.waitEndsMs && !this.isOver) {
      if (!this.isHeadDue) return void this.socket.destroy();
      this.refuse('timeout', '');
    }
    const isWaiting = this.socket.writableLength > 0;
    if (!this.unread.look(nowMs, isWaiting, isWaiting ? takenBytes(this.socket) : 0, this.options)) return;
    this.isCut = true;
    this.socket.destroy();
  }

  send(data: string | Buffer, encoding: 'latin1' | 'utf8', onFlushed?: () => void): boolean {
    if (this.socket.destroyed) return true;
    if (onFlushed === undefined) return this.socket.write(data, encoding);
    return this.socket.write(data, encoding, (error) => {
      // What failed is told by `close`.
      if (error === null || error === undefined) onFlushed();
    });
  }

  readOn(): void {
    this.socket.resume();
  }

  answered(isLast: boolean): void {
    this.current = undefined;
    if (isLast || this.isOver) return this.linger();
    this.waitEndsMs = this.options.clock.monotonicMs() + this.options.idleMs;
    this.isHeadDue = false;
    if (this.reader.hasUnread) return this.goOn();
    this.inTurn = 0;
    this.readOnIfRoom();
  }

  upgrade(handshake: Handshake, headers: readonly string[], listener: SocketListener): WebSocket {
    const { socket } = this;
    this.isHandedOver = true;
    this.isOver = true;
    this.current = undefined;
    for (const [event, run] of this.hearing) socket.off(event, run);
    // What came with the handshake belongs to the new protocol: read as HTTP it would be a smuggled request.
    return this.options.openSocket(socket, this.reader.takeUnread(), handshake, headers, listener);
  }

  isDraining(): boolean {
    return this.isOutdated || this.isGoingDown();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private arrived(bytes: Buffer): void {
    if (this.isOver) return;
    this.reader.push(bytes);
    const { current } = this;
    if (current === undefined && !this.isTurnDue) return this.next();
    if (current?.isReading === true) {
      const isDone = current.pump();
      // A body that was refused in its midst: what still comes of it is dropped.
      if (isDone && this.reader.isInBody) this.isOver = true;
      if (!isDone || !this.reader.hasUnread) return;
    }
    // A pipelined request waits for the answer before it: what the first one does (a close, a refusal) decides whether
    // the next one may be believed at all. Little more is read meanwhile: as long as something is, the end of a peer
    // that goes away is seen behind it.
    if (this.reader.unreadBytes >= MAX_WAITING_BYTES) this.socket.pause();
  }

  /** Takes up what is pipelined behind the request that was answered. */
  private goOn(): void {
    if (++this.inTurn < MAX_IN_TURN) {
      this.next();
      return this.readOnIfRoom();
    }
    // A whole buffer of tiny requests, answered in one go, would make all other connections wait for it.
    this.isTurnDue = true;
    setImmediate(() => {
      this.isTurnDue = false;
      this.inTurn = 0;
      if (this.isOver || this.socket.destroyed) return;
      this.next();
      this.readOnIfRoom();
    });
  }

  /** Goes on reading unless enough waits already: one more read for each request would pile up what is pipelined. */
  private readOnIfRoom(): void {
    const isForHead = this.current === undefined && !this.isTurnDue;
    if (this.socket.isPaused() && (isForHead || this.reader.unreadBytes < MAX_WAITING_BYTES)) this.socket.resume();
  }

  /** Reads the next head and hands its request over. */
  private next(): void {
    const { options, reader } = this;
    const read = reader.head(options.maxHeadBytes);
    if (read === 'more') {
      if (this.isHeadDue || !reader.hasUnread) return;
      this.isHeadDue = true;
      this.waitEndsMs = options.clock.monotonicMs() + options.headMs;
      return;
    }
    if ('fault' in read) return this.refuse(read.fault, read.target);
    this.waitEndsMs = Infinity;
    this.isHeadDue = false;
    this.current = new ConnectionDownstream(this, read, options);
    this.events.request(this.current);
  }

  private refuse(kind: BrokenHead, target: string): void {
    this.isOver = true;
    this.waitEndsMs = Infinity;
    this.socket.write(this.events.brokenHead(kind, target, this.peer.address));
    this.linger();
  }

  /**
   * Ends our side. Closed with bytes unread, the kernel would throw away the answer that the peer has not read yet: so
   * what still comes is read and dropped for a moment (RFC 9112 §9.6).
   */
  private linger(): void {
    const { socket } = this;
    this.isOver = true;
    this.waitEndsMs = Infinity;
    if (socket.destroyed) return;
    socket.end();
    const end = this.options.clock.after(LINGER_MS, () => socket.destroy());
    socket.once('close', () => end.cancel());
    socket.resume();
  }

  /** The peer sends nothing more. */
  private ended(): void {
    // All is written: it goes out, and the connection closes behind it.
    if (this.current?.isAnswered === true) {
      this.isOver = true;
      return;
    }
    // A peer that has gone looks the same as one that only has nothing more to say: vLLM must not work for the first.
    this.socket.destroy();
  }
}

/**
 * Bytes of a socket that the kernel has taken: what was written less what still waits, where the handle below TLS knows it
 * to the byte. Node itself judges by the queue whether a write goes on (`net.Socket` timeouts).
 */
function takenBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { readonly _handle?: Handle | null };
  const { _parent: below } = handle ?? {};
  const wire = below ?? handle;
  return (wire?.bytesWritten ?? 0) - (wire?.writeQueueSize ?? 0);
}

interface Handle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
  readonly _parent?: Handle | null;
}
