import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** What names a self-signed certificate is to hold. */
export interface NameSources {
  /** The machine's own name. */
  readonly hostname: string;
  /** Hosts that are listened on, addresses for all included. */
  readonly listenHosts: readonly string[];
  /** Addresses of the interfaces; they count where a listener answers on all. */
  readonly interfaceAddresses: readonly string[];
  /** URL under which callers reach the gateway. */
  readonly publicUrl: string;
}

/** DNS names and IP addresses under which a client may ask for the gateway, each once, in a fixed order. */
export function certificateNames({ hostname, listenHosts, interfaceAddresses, publicUrl }: NameSources): string[] {
  const isForAll = listenHosts.some((host) => host === '0.0.0.0' || host === '::');
  const publicHost = (URL.parse(publicUrl)?.hostname ?? '').replace(/^\[(.*)\]$/, '$1');
  const wanted = [
    'localhost',
    '127.0.0.1',
    '::1',
    hostname,
    ...listenHosts,
    ...(isForAll ? interfaceAddresses : []),
    publicHost,
  ];
  return [...new Set(wanted.map(certificateName).filter((name) => name !== undefined))].sort();
}

/** The name as it stands in a certificate; undefined for what cannot stand in one or names no single host. */
function certificateName(name: string): string | undefined {
  if (isIP(name) !== 0) {
    const plain = isIP(name) === 6 ? (URL.parse(`http://[${name}]`)?.hostname.slice(1, -1) ?? '') : name;
    return plain === '0.0.0.0' || plain === '::' || isIP(plain) === 0 ? undefined : plain;
  }
  const ascii = domainToASCII(name).toLowerCase();
  const isName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(ascii);
  return isName && isIP(ascii) === 0 ? ascii : undefined;
}
