import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** A request as it is to go out. */
export interface PlainRequest {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Certificate to trust, PEM. */
  readonly ca?: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON unless it is a text or bytes. */
  readonly body?: unknown;
}

/** A whole answer. */
export interface PlainAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends a request on a connection of its own and reads the whole answer. */
export function askPlainly({ origin, ca, method, path, headers = {}, body }: PlainRequest): Promise<PlainAnswer> {
  const isText = typeof body === 'string' || body instanceof Uint8Array;
  const bytes = body === undefined ? undefined : isText ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const own = bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length };
  const send = origin.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const options = { method, agent: false, headers: { ...own, ...headers }, ...(ca === undefined ? {} : { ca }) };
    const request = send(`${origin}${path}`, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(bytes);
  });
}
