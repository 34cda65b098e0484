import { isAnyAddress, isLoopbackHost } from './host.ts';

/** Where an upstream listens by TCP; undefined for a Unix socket. */
export interface TcpPlace {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** On the machine of the gateway. */
  readonly isHere: boolean;
}

/** @param url as `upstreams[].url` has it */
export function tcpPlaceOf(url: string): TcpPlace | undefined {
  if (url.startsWith('unix:')) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isHere = isLoopbackHost(hostname) || isAnyAddress(host);
  return { scheme, host, port: Number(port === '' ? (scheme === 'https' ? 443 : 80) : port), isHere };
}
