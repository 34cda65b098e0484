import { Pool, type Dispatcher } from 'undici';
import type {
  Upstream,
  UpstreamCall,
  UpstreamFault,
  UpstreamListener,
  UpstreamTimeouts,
} from '../../kernel/transport.ts';

/** Where an upstream is and how its certificate is judged. */
export interface UpstreamAddress {
  /** `http://HOST:PORT`, `https://HOST:PORT` or `unix:/PATH`. */
  readonly url: string;
  readonly tls: {
    readonly caPem: string | undefined;
    readonly serverName: string | undefined;
    readonly certPem: string | undefined;
    readonly keyPem: string | undefined;
  };
}

/** Opens an upstream over HTTP/1.1 by undici, one request at a time on each connection. */
export function createHttpUpstream(address: UpstreamAddress, timeouts: UpstreamTimeouts): Upstream {
  const socketPath = address.url.startsWith('unix:') ? address.url.slice('unix:'.length) : undefined;
  const origin = socketPath === undefined ? new URL(address.url).origin : 'http://localhost';
  const { caPem, serverName, certPem, keyPem } = address.tls;
  const pool = new Pool(origin, {
    connections: null,
    pipelining: 1,
    connect: {
      timeout: timeouts.connectMs,
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(caPem === undefined ? {} : { ca: caPem }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(certPem === undefined ? {} : { cert: certPem }),
      ...(keyPem === undefined ? {} : { key: keyPem }),
    },
    headersTimeout: timeouts.firstByteMs,
    bodyTimeout: timeouts.betweenChunksMs,
    keepAliveTimeout: 30_000,
    maxHeaderSize: 64 * 1024,
  });

  return {
    send(request, listener) {
      const call = new Call(listener);
      pool.dispatch(
        {
          path: request.path,
          method: request.method,
          headers: request.headers as string[],
          body: request.body ?? null,
        },
        call,
      );
      return call;
    },
    close() {
      void pool.close();
    },
  };
}

/** One dispatched request; hears undici and tells the listener. */
class Call implements UpstreamCall, Dispatcher.DispatchHandler {
  private readonly listener: UpstreamListener;
  private controller: Dispatcher.DispatchController | undefined;
  private isAborted = false;
  private isEnded = false;

  constructor(listener: UpstreamListener) {
    this.listener = listener;
  }

  abort(): void {
    if (this.isAborted || this.isEnded) return;
    this.isAborted = true;
    this.controller?.abort(new Error('aborted'));
  }

  resume(): void {
    this.controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.isAborted) controller.abort(new Error('aborted'));
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.isAborted) return;
    this.listener.head({
      status,
      header(name) {
        const value = headers[name];
        return typeof value === 'object' ? value[0] : value;
      },
    });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.isAborted) return;
    if (!this.listener.chunk(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.isEnded = true;
    if (!this.isAborted) this.listener.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.isEnded = true;
    if (!this.isAborted) this.listener.fault(faultOf(error));
  }
}

function faultOf(error: Error): UpstreamFault {
  const code = 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENOENT':
    case 'EACCES':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'connect';
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return 'timeout';
    default:
      if (error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW') return 'malformed';
      if (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || TLS_FAULTS.has(code)) return 'connect';
      return 'reset';
  }
}

/** What OpenSSL says of a certificate that it does not accept: the handshake failed, nothing was sent. */
const TLS_FAULTS = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
]);
