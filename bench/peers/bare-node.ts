import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Pool } from 'undici';

/**
 * The least that a gateway in Node.js can do: compare a key, count requests in a fixed window, pass bytes on.
 * What Sallyport costs beyond it is what it does beyond it.
 *
 * Words: PORT, URL of the upstream, key, then certificate and key file for TLS.
 */
const [port, upstreamUrl = '', key = '', certFile, keyFile] = process.argv.slice(2);
const pool = new Pool(upstreamUrl, { connections: null, pipelining: 1 });
const digest = createHash('sha256').update(`Bearer ${key}`).digest();
const LIMIT = 1_000_000_000;
let windowS = 0;
let count = 0;

function handle(request: IncomingMessage, response: ServerResponse): void {
  const presented = createHash('sha256')
    .update(request.headers.authorization ?? '')
    .digest();
  if (!timingSafeEqual(presented, digest)) return refuse(response, 401);
  const nowS = Math.floor(Date.now() / 60_000);
  if (nowS !== windowS) {
    windowS = nowS;
    count = 0;
  }
  if (++count > LIMIT) return refuse(response, 429);
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => forward(request, response, Buffer.concat(parts)));
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0 }).end();
}

function forward(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  pool.dispatch(
    { path: request.url ?? '/', method: 'POST', headers: { 'content-type': 'application/json' }, body },
    {
      // A stream that nobody reads would hold its port towards upstream while the next peer is measured.
      onRequestStart: (controller) => {
        response.once('close', () => {
          if (!response.writableFinished) controller.abort(new Error('the caller went away'));
        });
      },
      onResponseStart(_, status, headers) {
        const length = headers['content-length'];
        response.writeHead(status, {
          'content-type': String(headers['content-type']),
          ...(length === undefined ? {} : { 'content-length': String(length) }),
        });
      },
      onResponseData: (_, chunk) => {
        response.write(chunk);
      },
      onResponseEnd: () => {
        response.end();
      },
      onResponseError: () => {
        response.destroy();
      },
    },
  );
}

const server =
  certFile === undefined || keyFile === undefined
    ? createServer(handle)
    : createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: 'TLSv1.3' }, handle);
server.keepAliveTimeout = 600_000;
server.listen(Number(port), '127.0.0.1', 1024);
