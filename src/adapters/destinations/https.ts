import { Agent, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Answer } from '../../audit-log/shipping/parcel.ts';
import { CLIENT_TLS } from '../tls/endpoint.ts';
import type { PeerFiles } from './peer.ts';

/** One request to a destination. */
export interface HttpsAsk {
  readonly method: 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly signal: AbortSignal;
}

/** Asks destinations over HTTP/1.1. */
export interface HttpsClient {
  /** Resolves with whatever it answers; no redirect is followed. Rejects where there is no answer in time. */
  ask(ask: HttpsAsk): Promise<Answer>;
  close(): void;
}

const TOTAL_MS = 30_000;
/** What is larger is no answer: a receiver must not fill our memory. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** A client with one connection, kept between requests. */
export function createHttpsClient(peer: PeerFiles): HttpsClient {
  const options = { keepAlive: true, maxSockets: 1 };
  const agents = {
    plain: new Agent(options),
    // rejectUnauthorized, whatever NODE_TLS_REJECT_UNAUTHORIZED says: else whoever is on the way reads the log.
    tls: new TlsAgent({ ...options, ...CLIENT_TLS, ...peer, rejectUnauthorized: true }),
  };
  return {
    ask: (ask) =>
      new Promise<Answer>((resolve, reject) => {
        const signal = AbortSignal.any([ask.signal, AbortSignal.timeout(TOTAL_MS)]);
        const bytes = Buffer.from(ask.body);
        const headers = { ...ask.headers, 'content-length': String(bytes.length), 'accept-encoding': 'identity' };
        const common = { method: ask.method, headers, signal };
        const onAnswer = (answer: IncomingMessage): void => {
          answered(answer).then(resolve, (error: unknown) => reject(toError(error)));
        };
        const sent =
          ask.url.protocol === 'https:'
            ? tlsRequest(ask.url, { ...common, agent: agents.tls }, onAnswer)
            : plainRequest(ask.url, { ...common, agent: agents.plain }, onAnswer);
        sent.on('error', (error) => reject(signal.aborted ? new Error('it did not answer in time') : error));
        sent.end(bytes);
      }),
    close() {
      agents.plain.destroy();
      agents.tls.destroy();
    },
  };
}

async function answered(message: IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of message as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > MAX_ANSWER_BYTES) {
      message.destroy();
      throw new Error('its answer is too large');
    }
    pieces.push(piece);
  }
  const afterS = Number(message.headers['retry-after'] ?? NaN);
  return {
    status: message.statusCode ?? 0,
    body: Buffer.concat(pieces).toString('utf8'),
    afterMs: Number.isFinite(afterS) && afterS >= 0 ? afterS * 1000 : undefined,
  };
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
