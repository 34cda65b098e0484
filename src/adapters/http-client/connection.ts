import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { UpstreamCall, UpstreamListener, UpstreamRequest, UpstreamTimeouts } from '../../kernel/transport.ts';
import type { Endpoint } from '../tls/endpoint.ts';
import { createResponseReader, type Progress, type ResponseReader } from './response-reader.ts';

/** Read by all connections of a thread in turn: what is read is dealt with before the next read. */
const READ_BYTES = 64 * 1024;
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/** One connection to an upstream; carries one call at a time. */
export class Connection {
  /** Monotonic milliseconds when its last call ended. */
  idleSinceMs = 0;
  private readonly socket: Socket;
  private readonly timeouts: UpstreamTimeouts;
  private readonly onFree: (connection: Connection) => void;
  private readonly onGone: (connection: Connection) => void;
  private readonly reader: ResponseReader;
  private listener: UpstreamListener | undefined;
  private waiting: string | undefined;
  private waitingBody: Buffer | undefined;
  private isConnected = false;
  private isPaused = false;
  private connectTimer: NodeJS.Timeout | undefined;

  /** @param maxSmallPieces as `createResponseReader` takes it */
  constructor(
    endpoint: Endpoint,
    timeouts: UpstreamTimeouts,
    maxSmallPieces: number,
    onFree: (connection: Connection) => void,
    onGone: (connection: Connection) => void,
  ) {
    this.timeouts = timeouts;
    this.reader = createResponseReader(maxSmallPieces);
    this.onFree = onFree;
    this.onGone = onGone;
    this.connectTimer = setTimeout(() => this.socket.destroy(), timeouts.connectMs).unref();
    if (endpoint.tls === undefined) {
      this.socket = connectTcp({
        ...endpoint.target,
        noDelay: true,
        onread: {
          buffer: shared,
          callback: (count, buffer) => this.read(Buffer.from(buffer.buffer, buffer.byteOffset, count)),
        },
      });
      this.socket.on('connect', () => this.connected());
    } else {
      this.socket = connectTls({ ...endpoint.target, ...endpoint.tls });
      this.socket.setNoDelay(true);
      // Only now: what is written before it could go out to a server whose certificate is not accepted.
      this.socket.on('secureConnect', () => this.connected());
      this.socket.on('data', (bytes: Buffer) => {
        if (!this.read(bytes)) this.socket.pause();
      });
    }
    this.socket.on('end', () => this.ended());
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('timeout', () => this.timedOut());
    this.socket.on('close', () => this.closed());
  }

  /** Sends a request; only while no other is under way. */
  send(request: UpstreamRequest, head: string, listener: UpstreamListener): UpstreamCall {
    this.listener = listener;
    const text = typeof request.body === 'string' ? head + request.body : head;
    const body = typeof request.body === 'string' ? undefined : request.body;
    this.socket.setTimeout(this.timeouts.firstByteMs);
    if (this.isConnected) {
      this.write(text, body);
    } else {
      this.waiting = text;
      this.waitingBody = body;
    }
    return {
      abort: () => {
        if (this.listener !== listener) return;
        this.listener = undefined;
        this.socket.destroy();
      },
      resume: () => {
        if (this.listener !== listener || !this.isPaused) return;
        this.isPaused = false;
        // The time may have run out while nobody listened, and would not begin anew before bytes come.
        this.socket.setTimeout(this.timeouts.betweenChunksMs);
        this.socket.resume();
      },
    };
  }

  /** Ends it at once. */
  destroy(): void {
    this.socket.destroy();
  }

  private connected(): void {
    this.isConnected = true;
    clearTimeout(this.connectTimer);
    if (this.waiting === undefined) return;
    const [text, body] = [this.waiting, this.waitingBody];
    this.waiting = undefined;
    this.waitingBody = undefined;
    this.write(text, body);
  }

  private write(text: string, body: Buffer | undefined): void {
    if (body === undefined) return void this.socket.write(text);
    this.socket.cork();
    this.socket.write(text);
    this.socket.write(body);
    this.socket.uncork();
  }

  /** False asks the socket to pause. */
  private read(bytes: Buffer): boolean {
    const { listener } = this;
    // Nobody asked: bytes on an idle connection belong to no answer.
    if (listener === undefined) {
      this.socket.destroy();
      return false;
    }
    let hasRoom = true;
    const progress = this.reader.push(bytes, {
      head: (head) => {
        if (this.timeouts.betweenChunksMs !== this.timeouts.firstByteMs)
          this.socket.setTimeout(this.timeouts.betweenChunksMs);
        listener.head(head);
      },
      body: (part) => {
        if (this.listener === listener) hasRoom = listener.chunk(part);
      },
    });
    this.progressed(progress, listener);
    if (hasRoom || this.listener !== listener) return true;
    this.isPaused = true;
    return false;
  }

  private progressed(progress: Progress, listener: UpstreamListener): void {
    if (progress === 'more') return;
    // An abort in the midst of reading has ended the call already.
    const isHeard = this.listener === listener;
    this.listener = undefined;
    if (progress === 'whole' && isHeard) {
      if (this.isPaused) this.socket.resume();
      this.isPaused = false;
      this.onFree(this);
      return listener.end();
    }
    this.socket.destroy();
    if (!isHeard) return;
    if (progress === 'malformed') listener.fault('malformed');
    else listener.end();
  }

  private ended(): void {
    const { listener } = this;
    if (listener === undefined) return void this.socket.destroy();
    const progress = this.reader.end();
    this.listener = undefined;
    this.socket.destroy();
    if (progress === 'whole-last') listener.end();
    else listener.fault('reset');
  }

  private timedOut(): void {
    // Upstream is not silent while we do not read.
    if (this.isPaused) return;
    const { listener } = this;
    this.listener = undefined;
    this.socket.destroy();
    listener?.fault('timeout');
  }

  private closed(): void {
    clearTimeout(this.connectTimer);
    this.onGone(this);
    const { listener } = this;
    this.listener = undefined;
    listener?.fault(this.isConnected ? 'reset' : 'connect');
  }
}
