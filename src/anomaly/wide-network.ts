import { hashOf } from './hash.ts';

/** Lowest bit of the number of a network: networks of different families are not compared. */
const FAMILY_BIT = 1;

/**
 * The wide network that an address lies in: the /16 of IPv4 (`198.51`), the /32 of IPv6 (`2001:db8`), one for each range of
 * private addresses. Two of them are far from each other; without a data base of places nothing finer is known.
 *
 * @param address IPv4, IPv6, or a /64 as it is counted
 */
export function wideNetwork(address: string): string {
  const colon = address.indexOf(':');
  if (colon >= 0) return wideNetworkOfV6(address, colon);
  const first = address.indexOf('.');
  const second = address.indexOf('.', first + 1);
  if (first < 0 || second < 0) return address;
  return privateRange(address.slice(0, first), address.slice(first + 1, second)) ?? address.slice(0, second);
}

function wideNetworkOfV6(address: string, colon: number): string {
  const head = address.slice(0, 2).toLowerCase();
  if (colon === 4 && (head === 'fc' || head === 'fd')) return 'fc00::/7';
  const second = address.indexOf(':', colon + 1);
  return second < 0 ? address : address.slice(0, second);
}

/** Hosts of a cluster or an office are near to each other, whatever their numbers (RFC 1918, RFC 6598, RFC 1122). */
function privateRange(first: string, second: string): string | undefined {
  const next = Number(second);
  if (first === '10' || first === '127') return `${first}.0.0.0/8`;
  if (first === '192' && next === 168) return '192.168.0.0/16';
  if (first === '172' && next >= 16 && next < 32) return '172.16.0.0/12';
  return first === '100' && next >= 64 && next < 128 ? '100.64.0.0/10' : undefined;
}

/** A number for a wide network: not 0; its lowest bit is the family. */
export function wideNetworkHash(network: string): number {
  const hash = hashOf(network);
  return (network.includes(':') ? hash | FAMILY_BIT : (hash & ~FAMILY_BIT) >>> 0 || 2) >>> 0;
}

/** Whether two networks are of one family and not the same. A host with IPv4 and IPv6 is not at two places. */
export const areFar = (one: number, other: number): boolean =>
  one !== 0 && other !== 0 && one !== other && (one & FAMILY_BIT) === (other & FAMILY_BIT);
