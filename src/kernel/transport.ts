/**
 * The transport ports. The pipeline sees only these, never a server's or a client's own classes,
 * so that a leaner transport changes nothing else (docs/adr/0003-transport-ports.md).
 */

/** A request's head as it was on the wire. */
export interface RequestHead {
  readonly method: string;
  /** Request target, undecoded (RFC 9112 §3.2). */
  readonly target: string;
  readonly httpVersion: '1.0' | '1.1';
  /** Names and values in turn, in order, duplicates kept, names as they were spelt. */
  readonly rawHeaders: readonly string[];
}

/** A name of a certificate (RFC 5280 §4.2.1.6). */
export interface CertificateName {
  readonly kind: 'dns' | 'uri' | 'email';
  readonly value: string;
}

/** A client certificate that was verified in the TLS handshake. */
export interface ClientCertificate {
  /** The common name of its subject; undefined where there is none, or more than one. */
  readonly commonName: string | undefined;
  readonly names: readonly CertificateName[];
  /** End of its validity, milliseconds since the epoch: a connection may outlive it. */
  readonly notAfterMs: number;
  /** SHA-256 of its DER form, base64url, as tokens name it (RFC 8705 §3.1). */
  readonly sha256: string;
  readonly pem: string;
}

/** How reading a body ended. */
export type BodyRead =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  /** More than the limit arrived or was announced; what is unread is not waited for. */
  | { readonly kind: 'too-large' }
  /** Slower than the body time or the minimum rate. */
  | { readonly kind: 'timeout' }
  /** All bodies together would exceed the memory set aside for them. */
  | { readonly kind: 'no-room' }
  /** Broken framing (RFC 9112 §7), or the peer went away. */
  | { readonly kind: 'broken' };

/** One request of a peer and the way to answer it. */
export interface Downstream {
  readonly head: RequestHead;
  /** Address of the TCP peer, IPv4-mapped IPv6 written as IPv4. */
  readonly peerAddress: string;
  /** A proxy has passed the connection on without saying for whom: what it forwards tells no address either. */
  readonly isPeerUnknown: boolean;
  /** The certificate of the client; undefined where it showed none that is valid. */
  readonly certificate: ClientCertificate | undefined;
  /** True when the connection is TLS. */
  readonly isEncrypted: boolean;
  /** Reads the whole body, at most `maxBytes`. Call at most once. Answers `Expect: 100-continue` first. */
  readBody(maxBytes: number): Promise<BodyRead>;
  /** Says how many bytes of the body are still kept, so that others may use the rest of its memory. */
  keepBody(bytes: number): void;
  /**
   * Sets memory aside for bytes by which the body grows after it was read, from what all bodies together may take; false
   * where there is none left. They are kept like those that were read.
   */
  growBody(bytes: number): boolean;
  /**
   * Sets memory aside for bytes of an answer that is collected before it goes out, from what all bodies together may
   * take; false where there is none left. It is given back when the answer has left or the peer has gone.
   */
  holdAnswer(bytes: number): boolean;
  /** Says how many of those bytes are still held, so that others may use the rest of their memory. */
  keepAnswer(bytes: number): void;
  /**
   * Sends the response head. `headers` are names and values in turn. With `contentLength` the body has
   * that many bytes; without it, it is chunked (HTTP/1.1) or ends with the connection (HTTP/1.0).
   */
  writeHead(status: number, headers: readonly string[], contentLength: number | undefined): void;
  /**
   * Sends a whole response in as few writes as can be; instead of `writeHead`, `write` and `end`. In answer to HEAD the
   * body is only counted. With `close` the connection is closed after it.
   */
  answer(status: number, headers: readonly string[], body: string, close?: boolean): void;
  /** Sends bytes of the body; false when the peer's buffer is full: wait for `onDrain`. */
  write(bytes: Buffer | string): boolean;
  /** Ends the response. */
  end(): void;
  /** Cuts the connection at once. */
  destroy(): void;
  /**
   * Switches to WebSocket, in place of an answer: the connection is the socket's from here on, with all that has arrived
   * behind the head. Only for a request without body whose handshake was judged. `headers` go with the 101.
   */
  upgrade(handshake: Handshake, headers: readonly string[], listener: SocketListener): Socket;
  /** Called each time the peer's buffer has emptied after a `write` that returned false. */
  onDrain(run: () => void): void;
  /** Called once when the whole response has left this process. */
  onSent(run: () => void): void;
  /**
   * Called once if the peer goes away before the response has ended; at once where it has gone already. `isCut` where it
   * was sent away, because it left too much unread for too long.
   */
  onDisconnect(run: (isCut: boolean) => void): void;
}

/** A request to upstream, in one piece. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Names and values in turn, without framing headers: those are the adapter's. */
  readonly headers: readonly string[];
  /** A text is sent as UTF-8. */
  readonly body: string | Buffer | undefined;
}

/** An answer's head. Interim responses (1xx) never appear. */
export interface UpstreamHead {
  readonly status: number;
  /** Value of a header by its name in lower case; of a repeated one the first. */
  header(name: string): string | undefined;
}

/** Why upstream did not answer, or stopped. */
export type UpstreamFault =
  /** No connection: nothing of the request was sent, so another upstream may be asked. */
  | 'connect'
  /** The connection broke or the answer was cut. */
  | 'reset'
  | 'timeout'
  /** The answer is not HTTP. */
  | 'malformed';

/** Hears an answer as it arrives: `head`, then `chunk`s, then `end`; or `fault` at any point, last. */
export interface UpstreamListener {
  head(head: UpstreamHead): void;
  /** The bytes are only valid during the call. False asks to pause. */
  chunk(bytes: Buffer): boolean;
  end(): void;
  fault(fault: UpstreamFault): void;
}

/** A request that is under way. */
export interface UpstreamCall {
  /** Closes the connection at once, so that vLLM stops generating. Nothing is heard after it. */
  abort(): void;
  /** Goes on after a `chunk` that returned false. */
  resume(): void;
}

/** Time limits of one call, milliseconds. */
export interface UpstreamTimeouts {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly betweenChunksMs: number;
  readonly totalMs: number;
}

/** One upstream's connections. */
export interface Upstream {
  send(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall;
  /** Ends idle connections and lets running calls end. */
  close(): void;
}

/** A handshake of WebSocket that was found right (RFC 6455 §4.2.1). */
export interface Handshake {
  /** `Sec-WebSocket-Key`: 16 bytes, base64. */
  readonly key: string;
  /** The subprotocol that was offered and is spoken. */
  readonly protocol: string | undefined;
}

/** What a peer may not send over a WebSocket. */
export type SocketFault =
  /** A message or frame beyond the limit. */
  | 'too-big'
  /** A binary message. */
  | 'binary'
  /** Text that is not UTF-8. */
  | 'encoding'
  /** Frames that are none of RFC 6455 §5: unmasked, reserved bits, long control frames, too many fragments. */
  | 'protocol';

/** Hears a WebSocket. */
export interface SocketListener {
  /** A text message, whole and valid UTF-8; the bytes are the listener's. */
  text(bytes: Buffer): void;
  /** A ping, which was answered, or a pong. */
  control(): void;
  /** Nothing more of the peer is read: during the call a last text may be sent, then the socket closes. The last call. */
  fault(fault: SocketFault): void;
  /** The peer's buffer has emptied after a `send` that returned false. */
  drained(): void;
  /** The peer has closed with a close frame (`isClean`), or its connection is gone. The last call. */
  closed(isClean: boolean): void;
}

/** Codes by which a WebSocket is closed (RFC 6455 §7.4.1): normal, going away, unsupported data, policy, too big, fault. */
export type CloseCode = 1000 | 1001 | 1003 | 1007 | 1008 | 1009 | 1011;

/** A WebSocket that stands. */
export interface Socket {
  /** Sends a text message; false when the peer's buffer is full: wait for `drained`. */
  send(text: string): boolean;
  /** Closes it, behind all that was sent. Nothing is heard after it. */
  close(code: CloseCode): void;
  /** Cuts the connection at once. Nothing is heard after it. */
  destroy(): void;
  /** Reads nothing more; what was read already may still be heard. */
  pause(): void;
  resume(): void;
}

/** Why upstream opened no socket. */
export type SocketRefusal =
  | { readonly kind: 'fault'; readonly fault: UpstreamFault }
  /** It answered over HTTP instead. */
  | { readonly kind: 'status'; readonly status: number };

/** Hears a socket to upstream: `opened` first, or `refused` alone. */
export interface UpstreamSocketListener extends SocketListener {
  opened(): void;
  refused(refusal: SocketRefusal): void;
}

/** Opens WebSockets to one upstream. */
export interface UpstreamSockets {
  /** @param headers names and values in turn; no others go with the handshake but its own */
  open(path: string, headers: readonly string[], listener: UpstreamSocketListener): Socket;
}
