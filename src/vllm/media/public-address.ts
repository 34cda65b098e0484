import { addressMatcher, plainAddress } from '../../wire/address.ts';

/** IPv4 networks that are no part of the public internet (IANA special-purpose registry, RFC 6890), and one that is. */
const CLOSED_IPV4 = [
  '0.0.0.0/8', //       this network
  '10.0.0.0/8', //      private
  '100.64.0.0/10', //   carrier-grade NAT, with Alibaba's metadata service
  '127.0.0.0/8', //     loopback
  '168.63.129.16/32', // Azure's host, from every virtual machine there
  '169.254.0.0/16', //  link-local, with most metadata services
  '172.16.0.0/12', //   private
  '192.0.0.0/24', //    protocol assignments, with Oracle's metadata service
  '192.0.2.0/24', //    documentation
  '192.88.99.0/24', //  relays of 6to4
  '192.168.0.0/16', //  private
  '198.18.0.0/15', //   benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', //  documentation
  '224.0.0.0/4', //     multicast
  '240.0.0.0/4', //     reserved, broadcast
] as const;

/** IPv6 networks inside the one of global unicast (2000::/3) that are not public. */
const CLOSED_IPV6 = [
  '2001::/23', //       protocol assignments: Teredo, benchmarks, ORCHID
  '2001:db8::/32', //   documentation
  '2002::/16', //       6to4, which holds an IPv4 address
  '3fff::/20', //       documentation
] as const;

const isIPv4 = addressMatcher(['0.0.0.0/0']);
const isGlobalUnicast = addressMatcher(['2000::/3']);
const isTranslated = addressMatcher(['64:ff9b::/96']);
const isClosed = addressMatcher([...CLOSED_IPV4, ...CLOSED_IPV6, ...CLOSED_IPV4.map(translated)]);

/**
 * Tells whether a resolved address is one of the public internet. Everything else is not: private, loopback,
 * link-local, shared, multicast, reserved and documentation networks, IPv6 outside global unicast, addresses that
 * hold an IPv4 address (mapped, 6to4, Teredo; of NAT64, RFC 6052, those that hold one that is not public), addresses
 * with a zone, and texts that are no address in its usual spelling.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !isMapped(address) && !isClosed(address);
  return !address.includes('%') && (isGlobalUnicast(address) || isTranslated(address)) && !isClosed(address);
}

/** `::ffff:192.0.2.1`: a socket reaches IPv4 by it, but no resolver has reason to give it. */
function isMapped(address: string): boolean {
  return address.includes(':') && !plainAddress(address).includes(':');
}

/** The network that an IPv4 network is behind NAT64. */
function translated(network: string): string {
  const [base = '', bits] = network.split('/');
  const [a = 0, b = 0, c = 0, d = 0] = base.split('.').map(Number);
  return `64:ff9b::${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}/${96 + Number(bits)}`;
}
