import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { TestGateway } from './gateway.ts';

/** The address by which clients know a gateway of the tests, wherever it really is. */
export const PUBLIC_URL = 'https://llm.example.org';

/**
 * `fetch` as a client on the other side of a TLS proxy would have it: the public address leads to the gateway. One that
 * has a CA is asked over TLS.
 */
export function fetchVia(
  it: Pick<TestGateway, 'port'> & Partial<Pick<TestGateway, 'ca'>>,
): (input: string, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const request = new Request(input, init);
    const { pathname, search } = new URL(request.url);
    const body = Buffer.from(await request.arrayBuffer());
    return new Promise((resolve, reject) => {
      const outgoing = (it.ca === undefined ? httpRequest : httpsRequest)(
        {
          host: '127.0.0.1',
          port: it.port,
          agent: false,
          ...(it.ca === undefined ? {} : { ca: it.ca }),
          method: request.method,
          path: `${pathname}${search}`,
          headers: { ...Object.fromEntries(request.headers), 'content-length': body.length },
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', reject);
          response.on('end', () => {
            const headers = new Headers();
            for (let i = 0; i < response.rawHeaders.length; i += 2) {
              headers.append(response.rawHeaders[i] ?? '', response.rawHeaders[i + 1] ?? '');
            }
            const status = response.statusCode ?? 500;
            const hasBody = status !== 204 && status !== 304;
            resolve(new Response(hasBody ? Buffer.concat(parts) : null, { status, headers }));
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  };
}
