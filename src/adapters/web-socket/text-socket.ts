import { WebSocket, type RawData } from 'ws';
import type { CloseCode, Socket, SocketFault, SocketListener } from '../../kernel/transport.ts';

/** Bytes that may wait for a peer before who writes is asked to wait. */
const HIGH_WATER_BYTES = 256 * 1024;
/** What a socket may take. */
export interface SocketBounds {
  /** Of a message. */
  readonly maxFrameBytes: number;
  /** How long a peer may take to answer a close before its connection is cut. */
  readonly closeMs: number;
}

/** Pieces of one message; audio comes in one. */
const MAX_FRAGMENTS = 256;
/**
 * Reads that wait for the rest of a frame. A frame in TLS records of one byte each is tens of thousands of them, and
 * putting those together kept a worker from everybody else for seconds.
 */
const MAX_BUFFERED_CHUNKS = 1024;

/**
 * What both ends of `ws` are told. No compression: a few bytes would become a frame of any size before anybody could
 * measure it, and lengths would tell of contents (as CRIME did).
 */
export const socketOptions = ({ maxFrameBytes, closeMs }: SocketBounds) => ({
  perMessageDeflate: false,
  skipUTF8Validation: false,
  maxPayload: maxFrameBytes,
  closeTimeout: closeMs,
  maxFragments: MAX_FRAGMENTS,
  maxBufferedChunks: MAX_BUFFERED_CHUNKS,
});

/** Why `ws` closes by itself (RFC 6455 §7.4.1). */
const FAULTS: ReadonlyMap<number, SocketFault> = new Map([
  [1007, 'encoding'],
  [1009, 'too-big'],
]);

/** A socket of `ws` behind the port: texts in and out, and the reason before it closes. */
export class TextSocket extends WebSocket {
  private listener: SocketListener | undefined = undefined;
  private isFull = false;

  /** Begins to tell a listener. */
  listen(listener: SocketListener): Socket {
    this.listener = listener;
    this.on('message', (data, isBinary) => this.received(data, isBinary));
    this.on('ping', () => this.listener?.control());
    this.on('pong', () => this.listener?.control());
    this.on('error', () => undefined); // `close` follows
    this.on('close', () => this.tellClosed(false));
    return {
      send: (text) => this.sendText(text),
      close: (code) => this.closeWith(code),
      destroy: () => {
        this.listener = undefined;
        this.terminate();
      },
      pause: () => this.pause(),
      resume: () => this.resume(),
    };
  }

  /** Called by `ws`, too: with a code alone once what it has read cannot be taken, else with what the peer's close said. */
  override close(code?: number, data?: string | Buffer): void {
    if (code !== undefined && data === undefined) this.tellFault(FAULTS.get(code) ?? 'protocol');
    else this.tellClosed(true);
    super.close(code, data);
  }

  private received(data: RawData, isBinary: boolean): void {
    if (this.listener === undefined) return;
    // `nodebuffer` is the only form of binary data that is asked for.
    if (!isBinary && Buffer.isBuffer(data)) return this.listener.text(data);
    this.tellFault('binary');
    super.close(1003, '');
  }

  private sendText(text: string): boolean {
    if (this.readyState !== WebSocket.OPEN) return true;
    super.send(text, () => this.flushed());
    this.isFull ||= this.bufferedAmount > HIGH_WATER_BYTES;
    return !this.isFull;
  }

  private flushed(): void {
    if (!this.isFull || this.bufferedAmount > 0) return;
    this.isFull = false;
    this.listener?.drained();
  }

  private closeWith(code: CloseCode): void {
    this.listener = undefined;
    super.close(code, '');
    // The peer's own close is waited for: it would not be seen on a socket that is paused.
    this.resume();
  }

  private tellFault(fault: SocketFault): void {
    const { listener } = this;
    this.listener = undefined;
    listener?.fault(fault);
  }

  private tellClosed(isClean: boolean): void {
    const { listener } = this;
    this.listener = undefined;
    listener?.closed(isClean);
  }
}
