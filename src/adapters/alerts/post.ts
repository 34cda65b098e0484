import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { plainLine } from '../../alerts/plain.ts';
import type { Sent } from '../../alerts/channel.ts';
import { CLIENT_TLS } from '../tls/endpoint.ts';

/** Something to post as JSON. */
export interface Post {
  readonly url: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Certificates to trust in place of those that the runtime does. */
  readonly caPem: string | undefined;
  readonly userAgent: string;
}

const MAX_ANSWER_BYTES = 4_096;
const MAX_AFTER_MS = 600_000;
/** Of the 4xx those that a later try may not meet. */
const PASSING = new Set([408, 425, 429]);

/**
 * Posts once, on a connection of its own. No redirect is followed, for it would carry what is sent wherever the other side
 * says; of the answer no more than 4 KiB is read.
 */
export function post({ url, body, headers, caPem, userAgent }: Post, signal: AbortSignal): Promise<Sent> {
  const isTls = url.startsWith('https:');
  const options = {
    ...{ method: 'POST', agent: false, signal },
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': userAgent,
      accept: '*/*',
      ...headers,
    },
  };
  const tls = { ...CLIENT_TLS, rejectUnauthorized: true, ...(caPem === undefined ? {} : { ca: caPem }) };
  return new Promise((resolve) => {
    const fail = (error: Error & { readonly code?: string }): void =>
      resolve({ kind: 'failed', detail: signal.aborted ? 'it does not answer in time' : whyOf(error), isFinal: false });
    const onAnswer = (answer: IncomingMessage): void => void read(answer).then((text) => resolve(judged(answer, text)));
    const request = isTls ? httpsRequest(url, { ...options, ...tls }, onAnswer) : httpRequest(url, options, onAnswer);
    request.on('error', fail);
    request.end(body);
  });
}

/** The beginning of an answer; what comes of it where it breaks off. */
function read(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  return new Promise((resolve) => {
    const end = (): void => {
      answer.destroy();
      resolve(Buffer.concat(parts).subarray(0, MAX_ANSWER_BYTES).toString());
    };
    answer.on('data', (part: Buffer) => {
      parts.push(part);
      length += part.length;
      if (length >= MAX_ANSWER_BYTES) end();
    });
    for (const event of ['end', 'error', 'aborted', 'close']) answer.on(event, end);
  });
}

function judged({ statusCode: status = 0, headers }: IncomingMessage, text: string): Sent {
  const said = plainLine(text, 200);
  const detail = `it answered ${status}${said === '' ? '' : `: ${said}`}`;
  if (status >= 200 && status < 300) return { kind: 'sent', detail };
  if (status >= 300 && status < 400) {
    return { kind: 'failed', detail: `it answered ${status}, a redirect, which is not followed`, isFinal: true };
  }
  const isFinal = status >= 400 && status < 500 && !PASSING.has(status);
  return { kind: 'failed', detail, isFinal, afterMs: afterMsOf(headers['retry-after']) };
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3), bounded; a date is not read. */
const afterMsOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,6}$/.test(text) ? Math.min(Number(text) * 1_000, MAX_AFTER_MS) : undefined;

/** By its code: a message may hold the URL, which is a secret. */
const whyOf = ({ code }: { readonly code?: string }): string =>
  `it cannot be reached (${plainLine(code ?? 'fault', 60)})`;
