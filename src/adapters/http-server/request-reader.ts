import type { RequestHead } from '../../kernel/transport.ts';

/** How a body is delimited (RFC 9112 §6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** Two readers could disagree where it ends: nothing behind the head is read. */
  | { readonly kind: 'doubtful' };

/** A head that was read. */
export interface ReadHead {
  readonly head: RequestHead;
  readonly framing: Framing;
  /** Asks to be told before the body is sent (RFC 9110 §10.1.1). */
  readonly expectsContinue: boolean;
  /** The peer ends the connection with this request, or speaks a version that does. */
  readonly isLast: boolean;
  /** Asks for another protocol (RFC 9110 §7.8). */
  readonly isUpgrade: boolean;
}

/** Why a head cannot be read; `target` is what was made out of its request line, else empty. */
export interface HeadFault {
  /** `doubtful`: its lines could be taken for other ones, as smuggled requests are made. */
  readonly fault: 'malformed' | 'doubtful' | 'too-large' | 'connect';
  readonly target: string;
}

/** How reading a body stands: `stopped` where the taker wanted no more. */
export type BodyProgress = 'more' | 'whole' | 'stopped' | 'malformed';

const MAX_LINE_BYTES = 4 * 1024;
const MAX_TRAILER_BYTES = 16 * 1024;
const NO_BYTES = Buffer.alloc(0);

type State = 'head' | 'length' | 'size' | 'data' | 'data-end' | 'trailer' | 'whole' | 'over';

/**
 * Reads one request after the other from bytes that are cut anywhere (RFC 9112). Pure: it keeps what it was given and no
 * one has asked for. It takes only what has one reading; what a lenient reader would repair (a bare line feed, a folded
 * line, a second space) is malformed, for the next hop could repair it differently, and there a request could hide.
 */
export class RequestReader {
  private bytes: Buffer = NO_BYTES;
  private at = 0;
  /** Up to here no end of a head or line was found. */
  private searched = 0;
  private state: State = 'head';
  private missing = 0;
  private trailerBytes = 0;

  /** Adds what has arrived. The bytes stay with the reader. */
  push(bytes: Buffer): void {
    if (this.at === this.bytes.length) {
      this.bytes = bytes;
      this.at = 0;
      this.searched = 0;
      return;
    }
    this.searched -= this.at;
    this.bytes = Buffer.concat([this.at === 0 ? this.bytes : this.bytes.subarray(this.at), bytes]);
    this.at = 0;
  }

  /** How much arrived that was not read yet. */
  get unreadBytes(): number {
    return this.bytes.length - this.at;
  }

  /** Whether something arrived that was not read yet. */
  get hasUnread(): boolean {
    return this.at < this.bytes.length;
  }

  /** Hands over what came behind the last request, to who reads it as another protocol. Nothing is read here after it. */
  takeUnread(): Buffer {
    const unread = this.bytes.subarray(this.at);
    this.bytes = NO_BYTES;
    this.at = 0;
    this.state = 'over';
    return unread;
  }

  /** Whether a body is being read and has not ended. */
  get isInBody(): boolean {
    return this.state !== 'head' && this.state !== 'whole';
  }

  /** Reads the next head; `more` where it has not come whole. Its body, if any, is to be read before the next one. */
  head(maxBytes: number): ReadHead | HeadFault | 'more' {
    if (this.state === 'whole') this.state = 'head';
    if (this.state !== 'head') return this.faulty('malformed', '');
    if (!this.skipEmptyLines()) {
      this.release();
      return 'more';
    }
    const { bytes, at } = this;
    const end = bytes.indexOf('\r\n\r\n', Math.max(at, this.searched - 3), 'latin1');
    const length = (end < 0 ? bytes.length : end) - at;
    if (length > maxBytes) return this.faulty('too-large', targetOf(this.text(at, at + MAX_LINE_BYTES)));
    if (end < 0) {
      this.searched = bytes.length;
      // What can never become a head is refused now, not when its time is up.
      return isHopeless(bytes, at) ? this.faulty('malformed', '') : 'more';
    }
    this.at = end + 4;
    this.searched = this.at;
    const text = this.text(at, end);
    const read = readHead(text);
    if (typeof read === 'string') return this.faulty(read, targetOf(text));
    if (read.head.method === 'CONNECT') return this.faulty('connect', read.head.target);
    this.begin(read.framing);
    this.release();
    return read;
  }

  /** Reads on in the body; `take` gets each piece, only valid during the call, and answers false to stop. */
  body(take: (piece: Buffer) => boolean): BodyProgress {
    for (;;) {
      switch (this.state) {
        case 'head':
        case 'whole':
          this.release();
          return 'whole';
        case 'over':
          return 'malformed';
        case 'length':
        case 'data': {
          const count = Math.min(this.missing, this.bytes.length - this.at);
          if (count === 0 && this.missing > 0) return 'more';
          const piece = this.bytes.subarray(this.at, this.at + count);
          this.at += count;
          this.missing -= count;
          if (this.missing === 0) this.state = this.state === 'length' ? 'whole' : 'data-end';
          if (count > 0 && !take(piece)) return 'stopped';
          continue;
        }
        case 'data-end': {
          const line = this.line(0);
          if (line === 'more') return 'more';
          if (line !== '') return this.broken();
          this.state = 'size';
          continue;
        }
        case 'size': {
          const line = this.line(MAX_LINE_BYTES);
          if (line === 'more') return 'more';
          const size = line === undefined ? undefined : SIZE.exec(line)?.[1];
          if (size === undefined) return this.broken();
          this.missing = parseInt(size, 16);
          if (!Number.isSafeInteger(this.missing)) return this.broken();
          this.trailerBytes = 0;
          this.state = this.missing === 0 ? 'trailer' : 'data';
          continue;
        }
        case 'trailer': {
          const line = this.line(MAX_LINE_BYTES);
          if (line === 'more') return 'more';
          if (line === undefined) return this.broken();
          if (line === '') {
            this.state = 'whole';
            continue;
          }
          this.trailerBytes += line.length;
          // Read and forgotten: a trailer that became a header would come behind all that was judged (RFC 9110 §6.5.1).
          // One that speaks of framing shows that the two sides do not mean the same body.
          if (this.trailerBytes > MAX_TRAILER_BYTES || !FIELD_LINE.test(line) || FRAMING_FIELD.test(line))
            return this.broken();
          continue;
        }
      }
    }
  }

  private begin(framing: Framing): void {
    switch (framing.kind) {
      case 'none':
        this.state = 'whole';
        return;
      case 'length':
        this.missing = framing.length;
        this.state = framing.length === 0 ? 'whole' : 'length';
        return;
      case 'chunked':
        this.state = 'size';
        return;
      case 'doubtful':
        this.state = 'over';
    }
  }

  /** Empty lines may stand before a request (RFC 9112 §2.2); false while it is not clear whether one does. */
  private skipEmptyLines(): boolean {
    const { bytes } = this;
    while (bytes[this.at] === CR && bytes[this.at + 1] === LF) this.at += 2;
    const left = bytes.length - this.at;
    return left > 1 || (left === 1 && bytes[this.at] !== CR);
  }

  /** A line without its end, undefined where it is too long or its end is doubtful, `more` where it has not come. */
  private line(maxBytes: number): string | undefined {
    const { bytes, at } = this;
    const end = bytes.indexOf(LF, Math.max(at, this.searched));
    const length = (end < 0 ? bytes.length : end - 1) - at;
    if (length > maxBytes + 1) return undefined;
    if (end < 0) {
      this.searched = bytes.length;
      return 'more';
    }
    this.at = end + 1;
    this.searched = this.at;
    if (length < 0 || length > maxBytes || bytes[end - 1] !== CR) return undefined;
    return length === 0 ? '' : this.text(at, end - 1);
  }

  /** Lets go of what was read: an idle connection keeps no bytes. */
  private release(): void {
    if (this.at < this.bytes.length) return;
    this.bytes = NO_BYTES;
    this.at = 0;
    this.searched = 0;
  }

  private text(from: number, to: number): string {
    return (this.bytes as LatinBuffer).latin1Slice(from, Math.min(to, this.bytes.length));
  }

  private broken(): BodyProgress {
    this.state = 'over';
    return 'malformed';
  }

  private faulty(fault: HeadFault['fault'], target: string): HeadFault {
    this.state = 'over';
    return { fault, target };
  }
}

/** `Buffer` has the method; its types do not. */
export type LatinBuffer = Buffer & { latin1Slice(from: number, to: number): string };

const CR = 13;
const LF = 10;

/** Whether what has come cannot begin a request: TLS spoken to a port without it, for example. */
function isHopeless(bytes: Buffer, at: number): boolean {
  const first = bytes[at] ?? 0;
  return first < 0x21 || first > 0x7e;
}

/** Reads a head without its final empty line. What has no request line of ours is no HTTP; whatever else is wrong is doubtful. */
function readHead(text: string): ReadHead | 'malformed' | 'doubtful' {
  let lineEnd = text.indexOf('\r\n');
  const requestLine = REQUEST_LINE.exec(lineEnd < 0 ? text : text.slice(0, lineEnd));
  if (requestLine === null) return 'malformed';
  if (FORBIDDEN.test(text)) return 'doubtful';
  const [, method = '', target = '', minor] = requestLine;
  const rawHeaders: string[] = [];
  let length: string | undefined;
  let coding: string | undefined;
  let isDoubtful = false;
  let expectsContinue = false;
  let isUpgrade = false;
  let isLast = minor === '0';
  while (lineEnd >= 0) {
    const from = lineEnd + 2;
    lineEnd = text.indexOf('\r\n', from);
    const to = lineEnd < 0 ? text.length : lineEnd;
    const colon = text.indexOf(':', from);
    if (colon <= from || colon >= to) return 'doubtful';
    const name = text.slice(from, colon);
    // A space before the colon, or one that folds the line before into this one (RFC 9112 §5.1, §5.2), is no token either.
    if (!TOKEN.test(name)) return 'doubtful';
    const value = trimmed(text, colon + 1, to);
    rawHeaders.push(name, value);
    switch (name.length) {
      case 6:
        if (name.toLowerCase() === 'expect') expectsContinue = minor === '1' && value.toLowerCase() === '100-continue';
        break;
      case 7:
        if (name.toLowerCase() === 'upgrade') isUpgrade = true;
        break;
      case 10:
        if (name.toLowerCase() === 'connection' && CLOSE.test(value)) isLast = true;
        break;
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        isDoubtful ||= length !== undefined;
        length = value;
        break;
      case 17:
        if (name.toLowerCase() !== 'transfer-encoding') break;
        // Some readers see another coding in "chunked" with white space behind it, and frame the body another way.
        isDoubtful ||= coding !== undefined || isBlank(text.charCodeAt(to - 1));
        coding = value;
        break;
    }
  }
  const framing: Framing = isDoubtful ? DOUBTFUL : framingOf(length, coding, minor === '1');
  const head: RequestHead = { method, target, httpVersion: minor === '1' ? '1.1' : '1.0', rawHeaders };
  return { head, framing, expectsContinue, isLast, isUpgrade };
}

const NONE: Framing = { kind: 'none' };
const CHUNKED: Framing = { kind: 'chunked' };
const DOUBTFUL: Framing = { kind: 'doubtful' };

function framingOf(length: string | undefined, coding: string | undefined, isModern: boolean): Framing {
  if (coding !== undefined) {
    // Both at once is what smuggling is made of, and HTTP/1.0 has no codings (RFC 9112 §6.1).
    return length === undefined && isModern && coding.toLowerCase() === 'chunked' ? CHUNKED : DOUBTFUL;
  }
  if (length === undefined) return NONE;
  return /^[0-9]{1,15}$/.test(length) ? { kind: 'length', length: Number(length) } : DOUBTFUL;
}

/** Without the optional white space around it: spaces and tabs, nothing else that JavaScript's `trim` would take. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

/** The target of a head that is not well-formed, to answer in the form of its surface; empty where there is none. */
const targetOf = (text: string): string => /^[!-~]{1,32} ([!-~]{1,2048})/.exec(text)?.[1] ?? '';

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x7e]+) HTTP\/1\.([01])$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
/** Controls but the tab, and CR or LF without the other: they would let one line be two. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?:^|[^\r])\n/;
/** A chunk's size and its extensions (RFC 9112 §7.1.1, without bad white space), which are read and forgotten. */
const SIZE =
  /^([0-9A-Fa-f]{1,16})(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)*$/;
const FRAMING_FIELD = /^(?:content-length|transfer-encoding):/i;
const FIELD_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;
