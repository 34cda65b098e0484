import type { ConnectionOptions } from 'node:tls';

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

/** Where to connect to. */
export interface Endpoint {
  readonly target: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Options of TLS; undefined connects in the clear. */
  readonly tls: ConnectionOptions | undefined;
}

/** What every TLS connection of the clients has. */
export const CLIENT_TLS = { ALPNProtocols: ['http/1.1'], minVersion: 'TLSv1.2' } satisfies ConnectionOptions;

/** The endpoint of an upstream, and the `Host` by which it is asked. */
export function endpointOf({ url, tls }: UpstreamAddress): { readonly endpoint: Endpoint; readonly host: string } {
  if (url.startsWith('unix:'))
    return { endpoint: { target: { path: url.slice('unix:'.length) }, tls: undefined }, host: 'localhost' };
  const { protocol, hostname, port, host } = new URL(url);
  const isTls = protocol === 'https:';
  const plain = hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    host,
    endpoint: {
      target: { host: plain, port: Number(port === '' ? (isTls ? 443 : 80) : port) },
      tls: isTls
        ? {
            ...CLIENT_TLS,
            // An address has no name to ask for (RFC 6066 §3).
            ...(tls.serverName !== undefined
              ? { servername: tls.serverName }
              : /[a-z]/i.test(plain) && !plain.includes(':')
                ? { servername: plain }
                : {}),
            ...(tls.caPem === undefined ? {} : { ca: tls.caPem }),
            ...(tls.certPem === undefined ? {} : { cert: tls.certPem }),
            ...(tls.keyPem === undefined ? {} : { key: tls.keyPem }),
          }
        : undefined,
    },
  };
}
