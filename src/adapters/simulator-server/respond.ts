import type { ServerResponse } from 'node:http';
import type { Clock } from '../../kernel/clock.ts';
import type { AnswerPlan } from '../../simulator/plan.ts';
import type { Entry } from '../../simulator/received.ts';

/** How an answer is sent. */
export interface Sending {
  readonly clock: Clock;
  readonly chunkIntervalMs: number;
  readonly entry: Entry;
}

/**
 * Sends an answer. Events are generated one by one and paced; as with vLLM a client that does not read makes the
 * server buffer, and one that goes away ends the generation at once.
 */
export function respond(res: ServerResponse, plan: AnswerPlan, sending: Sending): void {
  const { status, headers, body } = plan;
  sending.entry.status(status);
  if (Buffer.isBuffer(body)) {
    writeHead(res, status, headers, body.length, sending.clock);
    res.end(body);
    return;
  }
  writeHead(res, status, headers, undefined, sending.clock);
  paceEvents(res, body[Symbol.iterator](), sending);
}

/** Sends the rest of a stream, one event each interval, and ends it. */
export function paceEvents(res: ServerResponse, events: Iterator<string>, sending: Sending): void {
  const { clock, chunkIntervalMs, entry } = sending;
  const next = (): void => {
    for (;;) {
      if (res.destroyed) return;
      const event = events.next();
      if (event.done === true) {
        res.end();
        return;
      }
      entry.event();
      writeChunk(res, event.value);
      if (chunkIntervalMs > 0) {
        clock.after(chunkIntervalMs, next);
        return;
      }
    }
  };
  next();
}

/** Writes a chunk of its own, as vLLM does for each event: Node would join those of one turn. */
export function writeChunk(res: ServerResponse, bytes: string | Buffer): void {
  res.cork();
  res.write(bytes);
  res.uncork();
}

/**
 * Writes a head as uvicorn does: names in its order and case, and `connection` only to say close.
 *
 * @param length of the body; undefined: it is chunked
 */
export function writeHead(
  res: ServerResponse,
  status: number,
  headers: readonly string[],
  length: number | undefined,
  clock: Clock,
): void {
  const isClosing = !res.shouldKeepAlive || /\bclose\b/i.test(res.req.headers.connection ?? '');
  const at = Math.max(
    0,
    headers.findIndex((text, i) => i % 2 === 0 && BEHIND_LENGTH.has(text)),
  );
  const counted = length === undefined ? [] : ['content-length', String(length)];
  res.sendDate = false;
  if (!isClosing) res.removeHeader('connection'); // else Node adds `keep-alive`, which uvicorn does not
  res.writeHead(status, [
    'date',
    new Date(clock.nowMs()).toUTCString(),
    'server',
    'uvicorn',
    ...headers.slice(0, at),
    ...counted,
    ...headers.slice(at),
    ...(isClosing ? ['connection', 'close'] : []),
    ...(length === undefined ? ['transfer-encoding', 'chunked'] : []),
  ]);
}

/** The headers before which vLLM's framework puts the length. */
const BEHIND_LENGTH = new Set(['content-type', 'location', 'vary']);
