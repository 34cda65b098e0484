import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Tells whether an address lies in a list of networks. */
export type AddressMatcher = (address: string) => boolean;

/**
 * Reads CIDRs (`10.0.0.0/8`, `2001:db8::/32`) and single addresses.
 *
 * @throws RangeError that names the first entry which is neither
 */
export function addressMatcher(networks: readonly string[]): AddressMatcher {
  const ranges = networks.map(parseNetwork);
  if (ranges.length === 0) return () => false;
  return (address) => {
    const parsed = parseAddress(address);
    if (parsed === undefined) return false;
    return ranges.some(([base, bits]) => base.kind() === parsed.kind() && parsed.match(base, bits));
  };
}

/** Tells whether a text is one address. */
export const isAddress = (text: string): boolean => isIP(text) > 0;

/** Tells whether a text is a CIDR or an address. */
export function isNetwork(text: string): boolean {
  try {
    parseNetwork(text);
    return true;
  } catch {
    return false;
  }
}

function parseNetwork(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (ipaddr.isValidCIDR(text)) {
    const [base, bits] = ipaddr.parseCIDR(text);
    // `::ffff:10.0.0.0/104` means the IPv4 network that peers appear with.
    if (base.kind() === 'ipv6' && bits >= 96 && (base as ipaddr.IPv6).isIPv4MappedAddress()) {
      return [(base as ipaddr.IPv6).toIPv4Address(), bits - 96];
    }
    return [base, bits];
  }
  if (ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(':') && ipaddr.IPv6.isValid(text))) {
    const base = ipaddr.process(text);
    return [base, base.kind() === 'ipv4' ? 32 : 128];
  }
  throw new RangeError(`"${text}" is no address and no CIDR`);
}

/**
 * An address of the kernel as it is counted and compared: IPv4-mapped IPv6 as IPv4, without zone. What is no address
 * stays as it is.
 */
export function plainAddress(address: string): string {
  // The kernel writes IPv4 in one way only, so most connections cost no parsing.
  return address.includes(':') ? (canonicalAddress(address) ?? address) : address;
}

/** The one spelling of an address (RFC 5952), IPv4-mapped IPv6 as IPv4, without zone; undefined where it is none. */
function canonicalAddress(text: string): string | undefined {
  const zone = text.indexOf('%');
  return parseAddress(zone < 0 ? text : text.slice(0, zone))?.toString();
}

/**
 * IPv4 as four decimal parts without leading zeros, or IPv6. The library alone reads `7.1799`, `07.7.7.7` and
 * `0x7.7.7.7`, too, as which each hop may understand another address.
 */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  return isIP(text) === 0 ? undefined : ipaddr.process(text);
}

/** What is limited per address: the IPv4 address, or the /64 of an IPv6 address, which one host can fill alone. */
export function countedNetwork(address: string): string {
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return address;
  return `${ipaddr.IPv6.parse(address)
    .parts.slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

/**
 * The client's address. Reads `X-Forwarded-For` from the right and only as far as each hop is trusted:
 * everything further left was written by someone who is not.
 */
export function clientAddress(peer: string, forwardedFor: string | undefined, isTrusted: AddressMatcher): string {
  if (forwardedFor === undefined || !isTrusted(peer)) return peer;
  let address = peer;
  for (const hop of forwardedFor.split(',').toReversed()) {
    // Else a client had a counter for every spelling of its address.
    const canonical = canonicalAddress(hop.trim());
    if (canonical === undefined) return address;
    address = canonical;
    if (!isTrusted(address)) return address;
  }
  return address;
}
