import ipaddr from 'ipaddr.js';
import { countedNetwork, isAddress, plainAddress } from './address.ts';

/** What is counted per address as numbers: an IPv4 address in `low`, or the 64 bits of an IPv6 network; signed 32 bits each. */
export interface NetworkWords {
  readonly family: 4 | 6;
  readonly high: number;
  readonly low: number;
}

/** Reads what `countedNetwork` writes; undefined for what is no address, such as a peer that has gone. */
export function wordsFromNetwork(network: string): NetworkWords | undefined {
  const slash = network.indexOf('/');
  const address = slash < 0 ? network : network.slice(0, slash);
  if (!isAddress(address)) return undefined;
  if (!address.includes(':')) {
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    return { family: 4, high: 0, low: (a << 24) | (b << 16) | (c << 8) | d };
  }
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv6.parse(address).parts;
  return { family: 6, high: (a << 16) | b, low: (c << 16) | d };
}

/** Writes it as `countedNetwork` does. */
export function networkFromWords({ family, high, low }: NetworkWords): string {
  if (family === 4) return [low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255].join('.');
  const parts = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff];
  return `${parts.map((part) => part.toString(16)).join(':')}::/64`;
}

/** What is counted for an address, or for an IPv6 network of 64 bits, as people write it; undefined where it is neither. */
export function networkOf(text: string): string | undefined {
  const [, address = '', prefix] = /^([0-9A-Fa-f:.]{2,45})(\/\d{1,3})?$/.exec(text) ?? [];
  if (!isAddress(address)) return undefined;
  const plain = plainAddress(address);
  const isWhole = prefix === undefined || prefix === (plain.includes(':') ? '/64' : '/32');
  return isWhole ? countedNetwork(plain) : undefined;
}
