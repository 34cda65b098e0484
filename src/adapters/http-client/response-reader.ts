import type { UpstreamHead } from '../../kernel/transport.ts';

/** What a reader has found in the bytes so far. */
export interface ResponseEvents {
  head(head: UpstreamHead): void;
  /** Bytes of the body, only valid during the call. */
  body(bytes: Buffer): void;
}

/** State of a response after some bytes. */
export type Progress =
  | 'more'
  /** The response is whole, and the connection may carry another. */
  | 'whole'
  /** The response is whole, and the connection may not. */
  | 'whole-last'
  | 'malformed';

/** Reads one response after the other from bytes that are cut anywhere (RFC 9112). */
export interface ResponseReader {
  /** Reads bytes. After `whole` the next response begins; after any other end the reader is of no use. */
  push(bytes: Buffer, events: ResponseEvents): Progress;
  /** The connection has ended: `whole-last` where that ends a body, else `malformed`. */
  end(): Progress;
}

/** Interim responses before one that counts: servers send one or two. */
const MAX_INTERIM = 8;
/** What pieces have on average once more have come than may be small. */
const SMALL_PIECE_BYTES = 16;
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 4 * 1024;
const NO_BYTES = Buffer.alloc(0);

type State = 'head' | 'length' | 'size' | 'data' | 'data-end' | 'trailer' | 'until-close' | 'over';

/**
 * A reader for what servers send in answer to GET and POST. It takes only what it is sure of: anything that two readers
 * could read in two ways is malformed, because bytes that belong to one caller must never become another's answer. So is
 * a flood of interim responses or of tiny pieces, each of which costs work far beyond its bytes.
 *
 * @param maxSmallPieces reads, and chunks of the framing, of one response that may have less than 16 bytes on average
 */
export function createResponseReader(maxSmallPieces: number): ResponseReader {
  let state: State = 'head';
  /** Bytes of a head or a line that has not ended. */
  let rest: Buffer = NO_BYTES;
  /** Bytes that the body, or its chunk, still has. */
  let missing = 0;
  let trailerBytes = 0;
  let isLast = false;
  let interim = 0;
  const reads = createPieces(maxSmallPieces);
  const chunks = createPieces(maxSmallPieces);

  function push(bytes: Buffer, events: ResponseEvents): Progress {
    if (!reads.add(bytes.length)) return fail();
    let at = 0;
    let parts: Buffer[] | undefined;
    let only: Buffer | undefined;
    const take = (part: Buffer): void => {
      if (only === undefined) only = part;
      else (parts ??= [only]).push(part);
    };
    // All that one read brings of a body is handed on in one piece: as few writes go out as came in.
    const hand = (): void => {
      if (only !== undefined) events.body(parts === undefined ? only : Buffer.concat(parts));
    };

    for (;;) {
      switch (state) {
        case 'over':
          return 'malformed';
        case 'head': {
          const end = endOf(bytes, at, '\r\n\r\n', MAX_HEAD_BYTES);
          if (end === undefined) return 'more';
          if (end < 0) return fail();
          const head = readHead(joined(bytes, at, end).latin1Slice());
          at = end;
          if (head === undefined) return fail();
          if (head.status < 200) {
            // 101 would make of the connection something else; the other interim ones are passed over.
            if (head.status === 101 || ++interim > MAX_INTERIM) return fail();
            continue;
          }
          isLast = head.isLast;
          state = head.framing;
          missing = head.length;
          events.head({ status: head.status, header: head.header });
          if (state === 'length' && missing === 0) return finish(bytes.length - at);
          continue;
        }
        case 'length':
        case 'data': {
          const count = Math.min(missing, bytes.length - at);
          if (count > 0) take(bytes.subarray(at, at + count));
          at += count;
          missing -= count;
          if (missing > 0) {
            hand();
            return 'more';
          }
          if (state === 'length') {
            hand();
            return finish(bytes.length - at);
          }
          state = 'data-end';
          continue;
        }
        case 'data-end': {
          const end = endOf(bytes, at, '\r\n', 2);
          if (end === undefined) {
            hand();
            return 'more';
          }
          if (end < 0 || joined(bytes, at, end).length !== 2) return fail();
          at = end;
          state = 'size';
          continue;
        }
        case 'size': {
          const end = endOf(bytes, at, '\r\n', MAX_LINE_BYTES);
          if (end === undefined) {
            hand();
            return 'more';
          }
          const size = end < 0 ? undefined : SIZE.exec(joined(bytes, at, end).latin1Slice())?.[1];
          if (size === undefined) return fail();
          at = end;
          missing = parseInt(size, 16);
          if (missing > 0 && !chunks.add(missing)) return fail();
          trailerBytes = 0;
          state = missing === 0 ? 'trailer' : 'data';
          continue;
        }
        case 'trailer': {
          const end = endOf(bytes, at, '\r\n', MAX_LINE_BYTES);
          if (end === undefined) {
            hand();
            return 'more';
          }
          if (end < 0) return fail();
          const line = joined(bytes, at, end);
          at = end;
          trailerBytes += line.length;
          if (trailerBytes > MAX_HEAD_BYTES) return fail();
          if (line.length > 2) {
            if (!TRAILER.test(line.latin1Slice())) return fail();
            continue;
          }
          hand();
          return finish(bytes.length - at);
        }
        case 'until-close':
          if (at < bytes.length) events.body(bytes.subarray(at));
          return 'more';
      }
    }
  }

  /** Index behind the terminator, undefined while it has not come (what is there is kept), -1 beyond the limit. */
  function endOf(bytes: Buffer, from: number, terminator: string, limit: number): number | undefined {
    if (rest.length === 0) {
      const found = bytes.indexOf(terminator, from, 'latin1');
      if (found >= 0) return found - from > limit ? -1 : found + terminator.length;
    } else {
      // The terminator may begin in what was kept.
      const tail = rest.subarray(Math.max(0, rest.length - terminator.length + 1));
      const seam = Buffer.concat([tail, bytes.subarray(from)]);
      const found = seam.indexOf(terminator, 0, 'latin1');
      if (found >= 0) {
        const end = from + found + terminator.length - tail.length;
        return rest.length + end - from > limit + terminator.length ? -1 : end;
      }
    }
    if (rest.length + bytes.length - from > limit + terminator.length) return -1;
    // Bytes are only valid during the call.
    rest = Buffer.concat([rest, bytes.subarray(from)]);
    return undefined;
  }

  /** What was kept and what has come up to `end`, together; nothing is kept any more. */
  function joined(bytes: Buffer, from: number, end: number): LatinBuffer {
    const whole = rest.length === 0 ? bytes.subarray(from, end) : Buffer.concat([rest, bytes.subarray(from, end)]);
    rest = NO_BYTES;
    return whole as LatinBuffer;
  }

  function finish(left: number): Progress {
    // Bytes behind the end belong to no request of ours: whose answer they would become, nobody can tell.
    state = isLast || left > 0 ? 'over' : 'head';
    interim = 0;
    reads.reset();
    chunks.reset();
    return state === 'over' ? 'whole-last' : 'whole';
  }

  function fail(): Progress {
    state = 'over';
    return 'malformed';
  }

  return {
    push,
    end() {
      const ended = state;
      state = 'over';
      return ended === 'until-close' ? 'whole-last' : 'malformed';
    },
  };
}

/** Counts pieces of one kind; `add` is false where they are too many for what they bring. */
function createPieces(maxSmall: number): { readonly add: (bytes: number) => boolean; readonly reset: () => void } {
  let count = 0;
  let total = 0;
  return {
    add(bytes) {
      total += bytes;
      return ++count <= maxSmall || total >= count * SMALL_PIECE_BYTES;
    },
    reset() {
      count = 0;
      total = 0;
    },
  };
}

/** `Buffer` has the method; its types do not. */
type LatinBuffer = Buffer & { latin1Slice(): string };

interface Head {
  readonly status: number;
  readonly framing: 'length' | 'size' | 'until-close';
  readonly length: number;
  /** The connection ends with this response. */
  readonly isLast: boolean;
  readonly header: (name: string) => string | undefined;
}

/** Reads a head with its final empty line; undefined where anything in it is doubtful. */
function readHead(text: string): Head | undefined {
  if (FORBIDDEN.test(text)) return undefined;
  const lines = text.slice(0, -4).split('\r\n');
  const statusLine = STATUS_LINE.exec(lines[0] ?? '');
  if (statusLine === null) return undefined;
  const values = new Map<string, string>();
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const colon = line.indexOf(':');
    if (colon <= 0) return undefined;
    const name = line.slice(0, colon);
    if (!TOKEN.test(name)) return undefined;
    const lower = name.toLowerCase();
    if (values.has(lower)) {
      if (lower === 'content-length' || lower === 'transfer-encoding') return undefined;
      continue;
    }
    values.set(lower, line.slice(colon + 1).trim());
  }
  const status = Number(statusLine[2]);
  const connection = values.get('connection')?.toLowerCase();
  const isOld = statusLine[1] === '0';
  const isLast = isOld ? connection !== 'keep-alive' : connection !== undefined && connection.includes('close');
  const header = (name: string): string | undefined => values.get(name);
  const coding = values.get('transfer-encoding');
  const length = values.get('content-length');
  // Both at once is what smuggling is made of (RFC 9112 §6.1).
  if (coding !== undefined && (length !== undefined || isOld || coding.toLowerCase() !== 'chunked')) return undefined;
  if (status === 204 || status === 304) return { status, framing: 'length', length: 0, isLast, header };
  if (coding !== undefined) return { status, framing: 'size', length: 0, isLast, header };
  if (length === undefined) return { status, framing: 'until-close', length: 0, isLast: true, header };
  if (!/^[0-9]{1,15}$/.test(length)) return undefined;
  return { status, framing: 'length', length: Number(length), isLast, header };
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Controls but the tab, and CR or LF without the other: they would let one line be two. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|[^\r]\n/;
const SIZE = /^([0-9A-Fa-f]{1,8})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n$/;
const TRAILER = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n$/;
