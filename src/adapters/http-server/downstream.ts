import type { Clock, Timer } from '../../kernel/clock.ts';
import type {
  BodyRead,
  ClientCertificate,
  Downstream,
  Handshake,
  RequestHead,
  Socket,
  SocketListener,
} from '../../kernel/transport.ts';
import type { BodyBudget } from './body-budget.ts';
import { BodyBuffer } from '../../wire/body-buffer.ts';
import type { LatinBuffer, ReadHead, RequestReader } from './request-reader.ts';
import { renderHead } from './response-head.ts';

/** Limits on how a body arrives. */
export interface BodyLimits {
  /** Milliseconds for the whole body. */
  readonly bodyMs: number;
  /** Bytes per second, judged over windows of 5 s. */
  readonly minBodyRate: number;
  /** How long a connection is kept for its next request, as callers are told. */
  readonly idleMs: number;
  readonly budget: BodyBudget;
  readonly clock: Clock;
}

/** Who is at the other end of a connection. */
export interface ConnectionPeer {
  readonly address: string;
  readonly isUnknown: boolean;
  readonly isEncrypted: boolean;
  readonly certificate: ClientCertificate | undefined;
}

/** The connection that a request came on, as its `Downstream` needs it. */
export interface Carrier {
  readonly peer: ConnectionPeer;
  readonly reader: RequestReader;
  /** Sends text or bytes; false where the peer's buffer is full. `onFlushed` hears that the kernel has taken them. */
  send(data: string | Buffer, encoding: 'latin1' | 'utf8', onFlushed?: () => void): boolean;
  /** More of the body is wanted. */
  readOn(): void;
  /** The answer has left; with `isLast` the connection ends with it. */
  answered(isLast: boolean): void;
  /** Makes a WebSocket of the connection, with what has come behind the request. */
  upgrade(handshake: Handshake, headers: readonly string[], listener: SocketListener): Socket;
  /** The gateway is going down, or its peer has to connect anew: no further request is taken. */
  isDraining(): boolean;
  destroy(): void;
}

const RATE_WINDOW_MS = 5_000;
/** Pieces that may be small; beyond them the average counts. */
const MAX_SMALL_PIECES = 4_096;
const SMALL_PIECE_BYTES = 64;

/** A request on a connection of ours, behind the port. */
export class ConnectionDownstream implements Downstream {
  readonly head: RequestHead;
  readonly peerAddress: string;
  readonly isPeerUnknown: boolean;
  readonly certificate: ClientCertificate | undefined;
  readonly isEncrypted: boolean;
  private readonly carrier: Carrier;
  private readonly read: ReadHead;
  private readonly limits: BodyLimits;
  private collecting: Collecting | undefined = undefined;
  /** Bytes of the body that are taken from the budget until the exchange is over. */
  private held = 0;
  /** Bytes of its answer that are taken from the budget. */
  private heldAnswer = 0;
  private wantsContinue: boolean;
  /** The head while nothing of the body has been written: both go out in one piece. */
  private unsentHead = '';
  private isHeadMade = false;
  private isChunked = false;
  private isBodiless: boolean;
  private isClosing = false;
  private isEnded = false;
  private isFinished = false;
  /** How the peer went away before the answer had left. */
  private gone: 'left' | 'cut' | undefined = undefined;
  private unflushed = 0;
  private disconnected: (isCut: boolean) => void = nothing;
  private drained: () => void = nothing;
  private sent: () => void = nothing;

  constructor(carrier: Carrier, read: ReadHead, limits: BodyLimits) {
    this.head = read.head;
    const { address, isUnknown, certificate, isEncrypted } = carrier.peer;
    this.peerAddress = address;
    this.isPeerUnknown = isUnknown;
    this.certificate = certificate;
    this.isEncrypted = isEncrypted;
    this.carrier = carrier;
    this.read = read;
    this.limits = limits;
    this.wantsContinue = read.expectsContinue;
    this.isBodiless = read.head.method === 'HEAD';
  }

  readBody(maxBytes: number): Promise<BodyRead> {
    const { framing } = this.read;
    if (framing.kind === 'doubtful') return Promise.resolve({ kind: 'broken' });
    if (framing.kind === 'length' && framing.length > maxBytes) return Promise.resolve({ kind: 'too-large' });
    if (this.wantsContinue) {
      this.wantsContinue = false;
      this.carrier.send('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    }
    return new Promise((resolve) => {
      const mostBytes = framing.kind === 'length' ? framing.length : maxBytes;
      const body = new BodyBuffer((bytes) => this.take(bytes), mostBytes);
      this.collecting = { body, maxBytes, pieces: 0, timer: undefined, resolve, refused: undefined };
      if (this.pump()) return;
      // Most bodies come with their heads: a timer only for the others.
      if (this.collecting !== undefined) this.collecting.timer = this.timeBody(body);
      this.carrier.readOn();
    });
  }

  /** Reads what has arrived of the body; false where no one wants it yet, or more is to come. */
  pump(): boolean {
    const { collecting } = this;
    if (collecting === undefined) return false;
    const progress = this.carrier.reader.body((piece) => keep(collecting, piece));
    if (progress === 'more') return false;
    if (progress === 'whole') this.collected({ kind: 'body', bytes: collecting.body.bytes() });
    else this.collected(collecting.refused ?? { kind: 'broken' });
    return true;
  }

  /** Whether more of the body is waited for. */
  get isReading(): boolean {
    return this.collecting !== undefined;
  }

  /** Whether the whole answer has been written, though not all may have left yet. */
  get isAnswered(): boolean {
    return this.isEnded;
  }

  holdAnswer(bytes: number): boolean {
    if (this.isFinished || !this.limits.budget.take(bytes)) return false;
    this.heldAnswer += bytes;
    return true;
  }

  keepAnswer(bytes: number): void {
    if (this.heldAnswer <= bytes) return;
    this.limits.budget.giveBack(this.heldAnswer - bytes);
    this.heldAnswer = bytes;
  }

  private giveBack(): void {
    this.keepBody(0);
    this.keepAnswer(0);
  }

  growBody(bytes: number): boolean {
    // Of a peer that has gone, nobody would give it back.
    return !this.isFinished && this.take(bytes);
  }

  keepBody(bytes: number): void {
    if (this.held <= bytes) return;
    this.limits.budget.giveBack(this.held - bytes);
    this.held = bytes;
  }

  writeHead(status: number, headers: readonly string[], contentLength: number | undefined): void {
    const all = [...headers];
    if (status === 204 || status === 304) this.isBodiless = true;
    else if (contentLength !== undefined) all.push('content-length', String(contentLength));
    else if (this.head.httpVersion === '1.1') {
      all.push('transfer-encoding', 'chunked');
      this.isChunked = true;
    } else this.isClosing = true; // its end is the end of the body
    if (this.mustClose()) {
      this.isClosing = true;
      // RFC 9110 §7.8: who sends Upgrade (with a 426) says so in Connection.
      all.push('connection', headers.includes('upgrade') ? 'close, upgrade' : 'close');
    } else {
      all.push('connection', 'keep-alive', 'keep-alive', `timeout=${Math.floor(this.limits.idleMs / 1000)}`);
    }
    this.unsentHead = renderHead(status, all, this.limits.clock.nowMs());
    this.isHeadMade = true;
  }

  write(bytes: Buffer | string): boolean {
    if (this.isEnded || this.isBodiless || bytes.length === 0) return true;
    const text = typeof bytes === 'string' ? bytes : (bytes as LatinBuffer).latin1Slice(0, bytes.length);
    const length = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
    const frame = this.isChunked ? `${length.toString(16)}\r\n${text}\r\n` : text;
    const encoding = typeof bytes === 'string' && length !== text.length ? 'utf8' : 'latin1';
    const head = this.takeHead();
    // One write for each piece (RFC 9112 §7.1), the first one together with the head.
    if (this.isChunked) return this.carrier.send(head + frame, encoding);
    this.unflushed++;
    return this.carrier.send(head + frame, encoding, () => this.flushed());
  }

  answer(status: number, headers: readonly string[], body: string, close = false): void {
    if (close) this.isClosing = true;
    const length = Buffer.byteLength(body);
    this.writeHead(status, headers, length);
    this.isEnded = true;
    const text = this.isBodiless ? this.takeHead() : this.takeHead() + body;
    this.carrier.send(text, length === body.length ? 'latin1' : 'utf8', () => this.finish());
  }

  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    const last = this.takeHead() + (this.isChunked && !this.isBodiless ? '0\r\n\r\n' : '');
    if (last !== '') this.carrier.send(last, 'latin1', () => this.finish());
    else if (this.unflushed === 0) this.finish();
  }

  destroy(): void {
    this.carrier.destroy();
  }

  upgrade(handshake: Handshake, headers: readonly string[], listener: SocketListener): Socket {
    const { reader } = this.carrier;
    // A body that nobody has read would be taken for frames.
    if (this.isHeadMade || this.isFinished || reader.isInBody) throw new Error('this request cannot be upgraded');
    this.isEnded = true;
    this.isFinished = true;
    this.giveBack();
    return this.carrier.upgrade(handshake, headers, listener);
  }

  onDrain(run: () => void): void {
    this.drained = run;
  }

  onDisconnect(run: (isCut: boolean) => void): void {
    this.disconnected = run;
    // While its body waited to be judged, for example: who comes later would never hear of it.
    if (this.gone !== undefined) run(this.gone === 'cut');
  }

  onSent(run: () => void): void {
    this.sent = run;
  }

  /** The peer has read what waited for it. */
  hasDrained(): void {
    if (!this.isEnded) this.drained();
  }

  /** The connection has closed: the peer has left, or was cut for what it left unread. */
  closed(gone: 'left' | 'cut'): void {
    if (this.isFinished) return;
    this.isFinished = true;
    this.gone = gone;
    this.collected({ kind: 'broken' });
    this.giveBack();
    this.disconnected(gone === 'cut');
  }

  private takeHead(): string {
    if (!this.isHeadMade) throw new Error('the head comes before the body');
    const head = this.unsentHead;
    this.unsentHead = '';
    return head;
  }

  private flushed(): void {
    if (--this.unflushed === 0 && this.isEnded) this.finish();
  }

  private finish(): void {
    if (this.isFinished) return;
    this.isFinished = true;
    this.giveBack();
    this.sent();
    this.carrier.answered(this.isClosing || this.mustClose());
  }

  private take(bytes: number): boolean {
    if (!this.limits.budget.take(bytes)) return false;
    this.held += bytes;
    return true;
  }

  private collected(read: BodyRead): void {
    const { collecting } = this;
    if (collecting === undefined) return;
    this.collecting = undefined;
    collecting.timer?.cancel();
    collecting.resolve(read);
  }

  /** Calls back when a body takes longer than its time, or comes slower than its rate over a whole window. */
  private timeBody(body: BodyBuffer): Timer {
    const { bodyMs, minBodyRate, clock } = this.limits;
    const endMs = clock.monotonicMs() + bodyMs;
    let before = 0;
    const timer = clock.after(Math.min(bodyMs, RATE_WINDOW_MS), () => {
      const isTooSlow = body.length - before < (minBodyRate * RATE_WINDOW_MS) / 1000;
      if (isTooSlow || clock.monotonicMs() >= endMs) return this.collected({ kind: 'timeout' });
      before = body.length;
      timer.refresh();
    });
    return timer;
  }

  /** Nothing behind this request is read: its body is not read to its end, or the peer has said that it is the last. */
  private mustClose(): boolean {
    // A request that asked for another protocol may be followed by that one.
    if (this.isClosing || this.read.isLast || this.read.isUpgrade || this.carrier.isDraining()) return true;
    return this.carrier.reader.isInBody;
  }
}

/** A body on its way in. */
interface Collecting {
  readonly body: BodyBuffer;
  readonly maxBytes: number;
  pieces: number;
  timer: Timer | undefined;
  readonly resolve: (read: BodyRead) => void;
  refused: BodyRead | undefined;
}

/** Adds a piece; false where no more is wanted, with the reason in `refused`. */
function keep(collecting: Collecting, piece: Buffer): boolean {
  const { body } = collecting;
  collecting.pieces++;
  if (body.length + piece.length > collecting.maxBytes) collecting.refused = { kind: 'too-large' };
  // Each piece costs work and memory far beyond its bytes: a body of single bytes would cost a thousand times its size.
  else if (collecting.pieces > MAX_SMALL_PIECES && body.length < collecting.pieces * SMALL_PIECE_BYTES)
    collecting.refused = { kind: 'broken' };
  else if (!body.add(piece)) collecting.refused = { kind: 'no-room' };
  return collecting.refused === undefined;
}

const nothing = (): void => undefined;
