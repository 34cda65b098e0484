import { isIP, isIPv4, isIPv6 } from 'node:net';

/** What a proxy says of the connection that it passes on. */
export interface ProxyHeader {
  /** Bytes of the header; what follows is the client's. */
  readonly length: number;
  /** Address of the client; undefined where the proxy speaks for itself, or does not know. */
  readonly address: string | undefined;
}

/** Which version of the header is expected. */
export type ProxyVersion = 'v1' | 'v2';

/** Longest header of version 1 with its line end. */
const MAX_V1_BYTES = 107;
/** Longest body of a header of version 2: room for client certificates in its TLVs. */
export const MAX_V2_BODY_BYTES = 16 * 1024 - 16;

/**
 * Reads the header of the PROXY protocol (haproxy.org, proxy-protocol.txt): `more` where it is not whole yet, `bad` for
 * anything else than the one expected version. Never throws.
 */
export function readProxyHeader(version: ProxyVersion, bytes: Buffer): ProxyHeader | 'more' | 'bad' {
  return version === 'v1' ? readV1(bytes) : readV2(bytes);
}

const V1_START = Buffer.from('PROXY ');
const V1_LINE = /^PROXY (?:UNKNOWN(?: [\x21-\x7e ]*)?|(TCP4|TCP6) (\S+) (\S+) (\S+) (\S+))$/;

function readV1(bytes: Buffer): ProxyHeader | 'more' | 'bad' {
  if (!startsAlike(bytes, V1_START)) return 'bad';
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf('\r\n');
  if (end < 0) return bytes.length < MAX_V1_BYTES ? 'more' : 'bad';
  const match = V1_LINE.exec(bytes.toString('latin1', 0, end));
  if (match === null) return 'bad';
  const [, family, source = '', destination = '', ...ports] = match;
  const length = end + 2;
  if (family === undefined) return { length, address: undefined };
  const isOfFamily = family === 'TCP4' ? isIPv4 : isIPv6;
  // A zone is the proxy's own matter (RFC 4007), and no part of the protocol.
  if (![source, destination].every((one) => isOfFamily(one) && !one.includes('%'))) return 'bad';
  return ports.every((port) => isPort(port ?? '')) ? { length, address: source } : 'bad';
}

const isPort = (text: string): boolean => /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;

const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const [V2_LOCAL, V2_PROXY] = [0x20, 0x21];

function readV2(bytes: Buffer): ProxyHeader | 'more' | 'bad' {
  if (!startsAlike(bytes, V2_SIGNATURE)) return 'bad';
  const command = bytes[12];
  if (command !== undefined && command !== V2_LOCAL && command !== V2_PROXY) return 'bad';
  if (bytes.length < 16) return 'more';
  const bodyLength = bytes.readUInt16BE(14);
  if (bodyLength > MAX_V2_BODY_BYTES) return 'bad';
  const length = 16 + bodyLength;
  if (bytes.length < length) return 'more';
  // Its own connection, to see whether we live: whatever else stands there does not count.
  if (command === V2_LOCAL) return { length, address: undefined };
  return addressOf(bytes[13] ?? 0, bytes.subarray(16, length), length);
}

/** The source by family and protocol; what follows the addresses (TLVs) is skipped. */
function addressOf(kind: number, body: Buffer, length: number): ProxyHeader | 'bad' {
  switch (kind) {
    case 0x00: // unspecified
      return { length, address: undefined };
    case 0x11: // TCP over IPv4
      return body.length < 12 ? 'bad' : { length, address: [...body.subarray(0, 4)].join('.') };
    case 0x21: // TCP over IPv6
      return body.length < 36 ? 'bad' : { length, address: ipv6(body.subarray(0, 16)) };
    case 0x31: // a stream of a Unix socket
      return body.length < 216 ? 'bad' : { length, address: undefined };
    default:
      return 'bad';
  }
}

function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  const text = groups.join(':');
  return isIP(text) === 6 ? text : '::';
}

/** Whether the bytes begin as they must, as far as they have come. */
function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const common = Math.min(bytes.length, start.length);
  return bytes.subarray(0, common).equals(start.subarray(0, common));
}
