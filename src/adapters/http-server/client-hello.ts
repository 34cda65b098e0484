/** What the first message of a TLS connection asks for. */
export interface ClientHello {
  /** `server_name` (RFC 6066 §3) in lower case; undefined where there is none. */
  readonly serverName: string | undefined;
  /** `application_layer_protocol_negotiation` (RFC 7301), in the client's order; empty where there is none. */
  readonly protocols: readonly string[];
}

/** The most that is read for it: real ones, with post-quantum keys, have up to some 2 KiB. */
export const MAX_HELLO_BYTES = 16 * 1024;

/**
 * Reads a ClientHello (RFC 8446 §4.1.2) from the first bytes of a connection, without acting on it: `more` where it is
 * not whole yet, `other` for what is none or is too long; the TLS server then judges it. Never throws. A property of the
 * test: the answer does not depend on how the bytes arrive.
 */
export function readClientHello(bytes: Buffer): ClientHello | 'more' | 'other' {
  const message = handshakeMessage(bytes);
  if (typeof message === 'string') return message;
  const reader = new Reader(message);
  reader.skip(2 + 32); // version, random
  reader.vector8();
  reader.vector16();
  reader.vector8();
  if (reader.isBroken) return 'other';
  if (reader.isAtEnd) return { serverName: undefined, protocols: [] };
  const extensions = new Reader(reader.vector16());
  if (reader.isBroken || !reader.isAtEnd) return 'other';
  let serverName: string | undefined;
  let protocols: string[] = [];
  const seen = new Set<number>();
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const body = extensions.vector16();
    // RFC 8446 §4.2: each once. Of two, OpenSSL could heed the other one.
    if (extensions.isBroken || seen.has(type)) return 'other';
    seen.add(type);
    if (type === SERVER_NAME) {
      const name = hostName(body);
      if (name === undefined) return 'other';
      serverName = name;
    } else if (type === ALPN) {
      const names = protocolNames(body);
      if (names === undefined) return 'other';
      protocols = names;
    }
  }
  return { serverName, protocols };
}

const SERVER_NAME = 0;
const ALPN = 16;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const MAX_RECORD_BYTES = 16_384;

/** The body of the first handshake message, put together from its records (RFC 8446 §5.1). */
function handshakeMessage(bytes: Buffer): Buffer | 'more' | 'other' {
  const fragments: Buffer[] = [];
  let have = 0;
  let at = 0;
  for (;;) {
    const left = bytes.length - at;
    if (left > 0 && bytes[at] !== HANDSHAKE_RECORD) return 'other';
    if (left > 1 && bytes[at + 1] !== 3) return 'other';
    if (left < 5) return at > MAX_HELLO_BYTES ? 'other' : 'more';
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > MAX_RECORD_BYTES) return 'other';
    const fragment = bytes.subarray(at + 5, at + 5 + length);
    fragments.push(fragment);
    have += fragment.length;
    at += 5 + length;
    const message = fragments.length === 1 ? fragment : Buffer.concat(fragments);
    if (have > 0 && message[0] !== CLIENT_HELLO) return 'other';
    if (have >= 4) {
      const wanted = message.readUIntBE(1, 3);
      if (wanted > MAX_HELLO_BYTES) return 'other';
      if (have >= 4 + wanted) return message.subarray(4, 4 + wanted);
    }
    // A record that is cut short: its rest is to come.
    if (fragment.length < length) return bytes.length > MAX_BYTES ? 'other' : 'more';
    // Tiny records would let a small message have any size.
    if (fragments.length > MAX_RECORDS) return 'other';
  }
}

const MAX_RECORDS = 64;
const MAX_BYTES = MAX_HELLO_BYTES + 4 + MAX_RECORDS * 5;

/** The one `host_name` of the list. */
function hostName(body: Buffer): string | undefined {
  const outer = new Reader(body);
  const list = new Reader(outer.vector16());
  const type = list.number(1);
  const name = list.vector16();
  if (outer.isBroken || list.isBroken || !outer.isAtEnd || !list.isAtEnd || type !== 0) return undefined;
  const text = name.toString('latin1').toLowerCase();
  return /^[a-z0-9._-]{1,255}$/.test(text) ? text : undefined;
}

function protocolNames(body: Buffer): string[] | undefined {
  const outer = new Reader(body);
  const list = new Reader(outer.vector16());
  const names: string[] = [];
  while (!list.isAtEnd && !list.isBroken) names.push(list.vector8().toString('latin1'));
  if (outer.isBroken || list.isBroken || !outer.isAtEnd || names.length === 0) return undefined;
  return names.includes('') ? undefined : names;
}

/** Reads a buffer from its start; once it is broken, everything else is empty. */
class Reader {
  private readonly bytes: Buffer;
  private at = 0;
  isBroken = false;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.isBroken || this.at === this.bytes.length;
  }

  skip(count: number): void {
    this.take(count);
  }

  number(size: 1 | 2): number {
    const taken = this.take(size);
    return taken.length === 0 ? 0 : taken.readUIntBE(0, size);
  }

  vector8(): Buffer {
    return this.take(this.number(1));
  }

  vector16(): Buffer {
    return this.take(this.number(2));
  }

  private take(count: number): Buffer {
    if (this.isBroken || this.at + count > this.bytes.length) {
      this.isBroken = true;
      return Buffer.alloc(0);
    }
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
}
