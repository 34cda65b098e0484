import { isIP } from 'node:net';

/** Tells whether a host (IP address, `[IPv6]` or name) is this machine's own: 127.0.0.0/8, ::1 or `localhost`. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (isIP(bare) === 4) return bare.startsWith('127.');
  // Written out or IPv4-mapped, too: the URL parser gives the short form, a configuration may not.
  if (isIP(bare) === 6) return /^(0*:)*0*1$/.test(bare) || /^::ffff:127\./i.test(bare);
  return bare.toLowerCase() === 'localhost';
}

/** Tells whether a listener on this address answers on every address of the machine. */
export function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || (isIP(host) === 6 && /^[0:]+$/.test(host));
}

/** Writes a host as it stands in a URL (RFC 3986 §3.2.2): IPv6 in brackets. */
export function urlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
