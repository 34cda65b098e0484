import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock } from '../../kernel/clock.ts';
import type { Misbehaviour } from '../../simulator/misbehaviour.ts';
import type { Entry } from '../../simulator/received.ts';
import { createRealtimeSession } from '../../simulator/realtime.ts';

/** What a handshake is answered with. */
export interface RealtimeRequest {
  readonly request: IncomingMessage;
  readonly connection: Duplex;
  readonly rest: Buffer;
  readonly entry: Entry;
  readonly order: Misbehaviour | undefined;
  readonly models: readonly string[];
  readonly id: string;
  readonly clock: Clock;
  readonly chunkIntervalMs: number;
}

/** Takes handshakes of `/v1/realtime`, as uvicorn does, of every origin. */
export function createRealtimeServer(): (asked: RealtimeRequest) => void {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  return (asked) => {
    const { request, connection, rest, entry, order } = asked;
    connection.on('close', () => entry.end(true));
    switch (order?.kind) {
      case 'hang':
        return;
      case 'reset':
        return void connection.destroy();
      case 'garbage':
        return void connection.end('\x16\x03\x01 this is not HTTP\r\n\r\n');
      case 'error-500':
        return refuse(asked, 500);
      case 'scaling-503':
        return refuse(asked, 503);
      case 'error-401':
        return refuse(asked, 401);
      case 'error-404-model':
        return refuse(asked, 404);
      default:
        server.handleUpgrade(request, connection, rest, (socket) => talk(socket, asked));
    }
  };
}

/** Answers a handshake over HTTP. */
export function refuse({ connection, entry }: Pick<RealtimeRequest, 'connection' | 'entry'>, status: number): void {
  entry.status(status);
  connection.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
}

function talk(socket: WebSocket, { entry, order, models, id, clock, chunkIntervalMs }: RealtimeRequest): void {
  entry.status(101);
  const createdS = Math.floor(clock.nowMs() / 1000);
  const session = createRealtimeSession({ models, id, createdS });
  let events = 0;
  const waiting: string[] = [];
  const sendNext = (): void => {
    const frame = waiting.shift();
    if (frame === undefined) return;
    entry.event();
    if (!misbehave(socket, order, ++events)) socket.send(frame);
    if (waiting.length > 0) clock.after(chunkIntervalMs, sendNext);
  };
  socket.on('error', () => undefined);
  socket.on('close', (code) => entry.end(code === 1006));
  socket.on('message', (data: Buffer) => {
    const text = data.toString();
    entry.frame(text);
    const isIdle = waiting.length === 0;
    waiting.push(...session.frame(text));
    if (chunkIntervalMs === 0) while (waiting.length > 0) sendNext();
    else if (isIdle) sendNext();
  });
  socket.send(session.opened());
  if (order?.kind === 'no-read') socket.pause();
}

/** Does something else than to send an event of an answer; false where it is sent as it is. */
function misbehave(socket: WebSocket, order: Misbehaviour | undefined, nth: number): boolean {
  switch (order?.kind) {
    case 'cut-stream':
      if (nth > 2) socket.terminate();
      return nth > 2;
    case 'early-close':
      if (nth > 2) socket.close(1000);
      return nth > 2;
    case 'hang-stream':
      return nth > 2;
    case 'garbage-sse':
      socket.send('{"type":"transcription.delta",');
      return true;
    case 'html':
      socket.send('"<html>"');
      return true;
    case 'gzip':
      socket.send(gzipSync('{}'));
      return true;
    case 'huge-event':
      socket.send(JSON.stringify({ type: 'transcription.delta', delta: 'a'.repeat(order.bytes ?? 2_000_000) }));
      return true;
    case 'leak-path-error':
    case 'error-in-stream': {
      const error = "'/opt/vllm/secret.py' at 0x7f3a2c1d5e80: Traceback (most recent call last)";
      socket.send(JSON.stringify({ type: 'error', error, code: 'processing_error' }));
      return true;
    }
    case 'odd-headers':
      socket.send(JSON.stringify({ type: 'vllm.internal', kv_transfer_params: { host: '10.0.0.1' } }));
      return false;
    default:
      return false;
  }
}
