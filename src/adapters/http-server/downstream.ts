import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../kernel/clock.ts';
import type { BodyRead, Downstream, RequestHead } from '../../kernel/transport.ts';
import type { BodyBudget } from './body-budget.ts';
import { BodyBuffer } from './body-buffer.ts';

/** Limits on how a body arrives. */
export interface BodyLimits {
  /** Milliseconds for the whole body. */
  readonly bodyMs: number;
  /** Bytes per second, judged over windows of 5 s. */
  readonly minBytesPerSecond: number;
}

const RATE_WINDOW_MS = 5_000;
/** Pieces that may be small; beyond them the average counts. */
const MAX_SMALL_PIECES = 4_096;
const SMALL_PIECE_BYTES = 64;

/** A request of `node:http` behind the port. */
export class NodeDownstream implements Downstream {
  readonly head: RequestHead;
  readonly peerAddress: string;
  readonly isEncrypted: boolean;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly limits: BodyLimits;
  private readonly budget: BodyBudget;
  private readonly clock: Clock;
  private isChunked = false;
  private expectsContinue: boolean;
  private isBodyRead = false;
  /** Bytes of the body that are taken from the budget until the exchange is over. */
  private held = 0;
  private isHeadOut = false;
  private isClosing = false;
  private isAwaitingDrain = false;
  private disconnected: () => void = nothing;
  private drained: () => void = nothing;
  private sent: () => void = nothing;
  private readonly isLast: () => boolean;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    connection: { readonly peerAddress: string; readonly isEncrypted: boolean },
    options: {
      limits: BodyLimits;
      budget: BodyBudget;
      clock: Clock;
      expectsContinue: boolean;
      onClose: () => void;
      isLast: () => boolean;
    },
  ) {
    this.head = {
      method: request.method ?? '',
      target: request.url ?? '',
      httpVersion: request.httpVersion === '1.0' ? '1.0' : '1.1',
      rawHeaders: request.rawHeaders,
    };
    this.peerAddress = connection.peerAddress;
    this.isEncrypted = connection.isEncrypted;
    this.request = request;
    this.response = response;
    this.limits = options.limits;
    this.budget = options.budget;
    this.clock = options.clock;
    this.expectsContinue = options.expectsContinue;
    this.isLast = options.isLast;
    response.once('close', () => {
      this.keepBody(0);
      if (!response.writableFinished) this.disconnected();
      else this.sent();
      options.onClose();
    });
  }

  readBody(maxBytes: number): Promise<BodyRead> {
    const { request } = this;
    this.isBodyRead = true;
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > maxBytes) return Promise.resolve({ kind: 'too-large' });
    if (this.expectsContinue) {
      this.expectsContinue = false;
      this.response.writeContinue();
    }
    return new Promise((resolve) => {
      const body = new BodyBuffer((bytes) => this.take(bytes));
      let pieces = 0;
      let isDone = false;
      const timer = this.timeBody(
        () => body.length,
        () => finish({ kind: 'timeout' }),
      );
      const finish = (read: BodyRead): void => {
        if (isDone) return;
        isDone = true;
        timer.cancel();
        resolve(read);
      };
      // What comes after the end of reading is dropped, so that the peer can read its refusal (RFC 9112 §9.6).
      // `close` comes after `end`, too, when it is heard no more; without `end` before it the body was cut.
      request
        .on('data', (part: Buffer) => {
          if (isDone) return;
          pieces++;
          if (body.length + part.length > maxBytes) return finish({ kind: 'too-large' });
          // Each piece costs work and memory far beyond its bytes: a body of single bytes would cost a thousand times its size.
          if (pieces > MAX_SMALL_PIECES && body.length < pieces * SMALL_PIECE_BYTES) return finish({ kind: 'broken' });
          if (!body.add(part)) finish({ kind: 'no-room' });
        })
        .on('end', () => finish({ kind: 'body', bytes: body.bytes() }))
        .on('close', () => finish({ kind: 'broken' }));
    });
  }

  keepBody(bytes: number): void {
    if (this.held <= bytes) return;
    this.budget.giveBack(this.held - bytes);
    this.held = bytes;
  }

  private take(bytes: number): boolean {
    if (!this.budget.take(bytes)) return false;
    this.held += bytes;
    return true;
  }

  /** Calls back when a body takes longer than its time, or comes slower than its rate over a whole window. */
  private timeBody(bytes: () => number, onSlow: () => void): Timer {
    const { bodyMs, minBytesPerSecond } = this.limits;
    const endMs = this.clock.monotonicMs() + bodyMs;
    let before = 0;
    const timer = this.clock.after(Math.min(bodyMs, RATE_WINDOW_MS), () => {
      const isTooSlow = bytes() - before < (minBytesPerSecond * RATE_WINDOW_MS) / 1000;
      if (isTooSlow || this.clock.monotonicMs() >= endMs) return onSlow();
      before = bytes();
      timer.refresh();
    });
    return timer;
  }

  writeHead(status: number, headers: readonly string[], contentLength: number | undefined): void {
    const { response } = this;
    const all = headers as string[];
    if (contentLength !== undefined) {
      all.push('content-length', String(contentLength));
    } else if (this.head.httpVersion === '1.1' && status !== 204) {
      all.push('transfer-encoding', 'chunked');
      this.isChunked = true;
    }
    // A body that we have not read to its end would be taken for the next request.
    if (this.mustClose()) all.push('connection', 'close');
    response.sendDate = true;
    response.writeHead(status, all);
    // Chunks are framed here: one write for each, where node:http would make three.
    if (this.isChunked) response.chunkedEncoding = false;
  }

  write(bytes: Buffer | string): boolean {
    const hasRoom = this.isChunked ? this.writeChunk(bytes) : this.response.write(bytes);
    if (!hasRoom && !this.isAwaitingDrain) {
      this.isAwaitingDrain = true;
      this.response.socket?.once('drain', () => {
        this.isAwaitingDrain = false;
        this.drained();
      });
    }
    return hasRoom;
  }

  /** One write for each chunk (RFC 9112 §7.1): the first with the head, the others straight to the connection. */
  private writeChunk(bytes: Buffer | string): boolean {
    const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
    const encoding = typeof bytes === 'string' ? 'utf8' : 'latin1';
    const frame = `${Buffer.byteLength(text, encoding).toString(16)}\r\n${text}\r\n`;
    const { socket } = this.response;
    if (!this.isHeadOut || socket === null) {
      this.isHeadOut = true;
      return this.response.write(frame, encoding);
    }
    return socket.write(frame, encoding);
  }

  answer(status: number, headers: readonly string[], body: string, close = false): void {
    if (close) this.isClosing = true;
    this.writeHead(status, headers, Buffer.byteLength(body));
    this.endWith(body);
  }

  end(): void {
    this.endWith(this.isChunked ? '0\r\n\r\n' : undefined);
  }

  private endWith(last: string | undefined): void {
    const { response } = this;
    if (this.mustClose()) {
      const { socket } = this.request;
      response.shouldKeepAlive = false;
      response.once('finish', () => socket.destroySoon());
    }
    if (last === undefined) response.end();
    else response.end(last);
  }

  destroy(): void {
    this.request.socket.destroy();
  }

  onDrain(run: () => void): void {
    this.drained = run;
  }

  onDisconnect(run: () => void): void {
    this.disconnected = run;
  }

  onSent(run: () => void): void {
    this.sent = run;
  }

  /** Nothing behind this request can be read: its body is not read to its end, or the parser has stopped at an upgrade. */
  private mustClose(): boolean {
    if (this.isClosing || this.isLast() || this.request.headers.upgrade !== undefined) return true;
    return !this.request.complete && this.hasUnreadBody();
  }

  /** There is a body on the wire that nobody has read, or not to its end. */
  private hasUnreadBody(): boolean {
    const { headers } = this.request;
    return this.isBodyRead || headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  }
}

const nothing = (): void => undefined;
