import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { TestGateway } from './gateway.ts';

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Body as JSON; undefined where it is none. */
  readonly json: { readonly error?: Record<string, unknown>; readonly [name: string]: unknown } | undefined;
  /** Code of a refusal. */
  readonly code: string | undefined;
}

/** What is asked. */
export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly key?: string | undefined;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: unknown;
  /** Called with each piece of the answer as it arrives. */
  readonly onData?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** The smallest chat request. */
export const CHAT = { model: 'tiny', messages: [{ role: 'user', content: 'hi' }], max_tokens: 3 };

/** Sends one request on a connection of its own. Chat by default. */
export function ask(to: Pick<TestGateway, 'url' | 'ca' | 'port'>, question: Ask = {}): Promise<Answer> {
  const {
    method = 'POST',
    path = '/v1/chat/completions',
    key,
    headers = {},
    body = method === 'POST' ? CHAT : undefined,
  } = question;
  const bytes =
    body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const request = to.url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${to.url}${path}`,
      {
        method,
        agent: false,
        ...(to.ca === undefined ? {} : { ca: to.ca }),
        ...(question.signal === undefined ? {} : { signal: question.signal }),
        headers: {
          ...(bytes === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }),
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...headers,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          question.onData?.(part);
        });
        response.on('error', reject);
        response.on('end', () => {
          const json = parse(text);
          const code = json?.error?.['code'];
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json,
            code: typeof code === 'string' ? code : undefined,
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(bytes);
  });
}

function parse(text: string): Answer['json'] {
  try {
    return JSON.parse(text) as Answer['json'];
  } catch {
    return undefined;
  }
}
