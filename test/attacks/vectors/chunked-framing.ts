import { BODY, chat, chunk, chunked, CHUNKS, LAST_CHUNK, SMUGGLED_REQUEST } from '../message.ts';
import { accepted, broken, refused, type Vector } from '../vector.ts';

const SIZE = 'RFC 9112 §7.1';
const EXTENSION = 'RFC 9112 §7.1.1';
const HEX = BODY.length.toString(16);
const HALF = BODY.length >> 1;

const chunks = (id: string, body: string, claim: string, source: string, more: Partial<Vector> = {}): Vector => ({
  id: `chunks-${id}`,
  claim,
  source,
  bytes: chunked(body),
  verdict: broken,
  ...more,
});
/** The meant body in one chunk whose size line is as given. */
const sized = (id: string, size: string, claim: string, more: Partial<Vector> = {}): Vector =>
  chunks(id, `${size}\r\n${BODY}\r\n${LAST_CHUNK}`, claim, SIZE, more);
const ok = { verdict: accepted };

/** Chunks: a hexadecimal size, CRLF, as many bytes, CRLF; an empty one at the end. */
export const chunkedFraming: readonly Vector[] = [
  chunks('one', CHUNKS, 'one chunk is a body', SIZE, { ...ok, probes: ['COMP-CHUNKED-BODY'] }),
  chunks(
    'many',
    chunk(BODY.slice(0, HALF)) + chunk(BODY.slice(HALF)) + LAST_CHUNK,
    'several chunks are one body',
    SIZE,
    { ...ok, probes: ['COMP-CHUNKED-MULTI'] },
  ),
  chunks(
    'single-bytes',
    [...BODY].map((byte) => chunk(byte)).join('') + LAST_CHUNK,
    'a chunk for each byte is one body',
    SIZE,
    ok,
  ),
  chunks('empty', LAST_CHUNK, 'no chunk at all is an empty body, and the next request begins behind it', SIZE, {
    probes: ['COMP-CHUNKED-EMPTY'],
    verdict: refused([400], { next: 'answered' }),
  }),
  sized('upper-case-size', HEX.toUpperCase(), 'a size in upper case is a size', {
    ...ok,
    probes: ['COMP-CHUNKED-HEX-UPPERCASE'],
  }),
  sized('leading-zeros', `0000${HEX}`, 'leading zeros do not change a size', ok),
  chunks('zeros-at-end', `${chunk(BODY)}000\r\n\r\n`, 'a last chunk of several zeros is the last one', SIZE, ok),
  sized('extension', `${HEX};name=value`, 'an extension that nobody knows is ignored', {
    ...ok,
    source: EXTENSION,
    probes: ['COMP-CHUNKED-EXTENSION'],
  }),
  sized('extension-quoted', `${HEX};name="a;b"`, 'a quoted extension is ignored', { ...ok, source: EXTENSION }),
  sized('extension-without-value', `${HEX};name`, 'an extension without value is ignored', {
    ...ok,
    source: EXTENSION,
  }),
  chunks(
    'extension-on-last',
    `${chunk(BODY)}0;name=value\r\n\r\n`,
    'an extension of the last chunk is ignored',
    EXTENSION,
    ok,
  ),
  chunks('trailers', `${chunk(BODY)}0\r\nX-Trailer: 1\r\n\r\n`, 'trailers are read and dropped', 'RFC 9112 §7.1.2', {
    ...ok,
    probes: ['COMP-CHUNKED-TRAILER-VALID'],
  }),

  sized('size-missing', '', 'a chunk without size is refused'),
  sized('size-letters', 'xyz', 'a size that is no number is refused'),
  sized('size-hex-prefix', `0x${HEX}`, 'a size with 0x is refused', { probes: ['SMUG-CHUNK-HEX-PREFIX'] }),
  sized('size-underscore', `${HEX[0]}_${HEX.slice(1)}`, 'a size with underscore is refused', {
    probes: ['SMUG-CHUNK-UNDERSCORE'],
  }),
  sized('size-plus', `+${HEX}`, 'a size with plus sign is refused', { probes: ['SMUG-CHUNK-SIZE-PLUS'] }),
  sized('size-negative', `-${HEX}`, 'a negative size is refused', { probes: ['SMUG-CHUNK-NEGATIVE'] }),
  sized('size-leading-space', ` ${HEX}`, 'a space before the size is refused', { probes: ['SMUG-CHUNK-LEADING-SP'] }),
  sized('size-leading-tab', `\t${HEX}`, 'a tab before the size is refused'),
  sized('size-trailing-space', `${HEX} `, 'a space after the size is refused', {
    probes: ['SMUG-CHUNK-SIZE-TRAILING-OWS'],
  }),
  sized('size-trailing-tab', `${HEX}\t`, 'a tab after the size is refused'),
  sized('size-inner-space', `${HEX[0]} ${HEX.slice(1)}`, 'a space inside of the size is refused'),
  sized('size-decimal-point', `${HEX}.0`, 'a size with decimal point is refused'),
  sized('size-quoted', `"${HEX}"`, 'a quoted size is refused'),
  sized('size-letter-h', `${HEX}h`, 'a letter after the size is refused'),
  sized('size-nul', `${HEX}\0`, 'a NUL after the size is refused'),
  sized('size-overflow', `1${'0'.repeat(16)}`, 'a size beyond 64 bits is refused', {
    probes: ['MAL-CHUNK-SIZE-OVERFLOW'],
  }),
  sized('size-wrapped', `1${HEX.padStart(16, '0')}`, 'a size that would wrap to the right one is refused', {
    probes: ['MAL-CHUNK-SIZE-OVERFLOW'],
  }),
  sized('size-wrapped-32', `1${HEX.padStart(8, '0')}`, 'a size that would wrap at 32 bits is not cut to them', {
    verdict: refused([400, 413, 'close'], { next: 'closed' }),
    halfClose: true,
  }),
  sized('size-f', 'f'.repeat(16), 'the largest size of 64 bits is not taken for a small one', { halfClose: true }),
  chunks(
    'size-zero-plus',
    `+0\r\n\r\n${SMUGGLED_REQUEST}`,
    'a last chunk with plus sign is refused and nothing behind it is read',
    SIZE,
    { probes: ['SMUG-CHUNK-INVALID-SIZE-DESYNC'] },
  ),

  sized('extension-bare', `${HEX};`, 'a semicolon without extension is refused', {
    source: EXTENSION,
    probes: ['SMUG-CHUNK-BARE-SEMICOLON'],
  }),
  sized('extension-name', `${HEX};a[b]=c`, 'an extension whose name is no token is refused', {
    source: EXTENSION,
    probes: ['SMUG-CHUNK-EXT-INVALID-TOKEN'],
  }),
  sized('extension-nul', `${HEX};a\0b`, 'a NUL in an extension is refused', {
    source: EXTENSION,
    probes: ['SMUG-CHUNK-EXT-CTRL'],
  }),
  sized('extension-control', `${HEX};a=\x01`, 'a control character in an extension is refused', { source: EXTENSION }),
  sized('extension-cr', `${HEX};a\rb`, 'a lone carriage return in an extension is refused', {
    source: 'RFC 9112 §2.2',
    probes: ['SMUG-CHUNK-EXT-CR'],
  }),
  sized('extension-lf', `${HEX};a\nb`, 'a lone line feed in an extension is refused (TERM.EXT)', {
    source: 'RFC 9112 §2.2',
    probes: ['SMUG-CHUNK-EXT-LF'],
  }),
  sized('extension-open-quote', `${HEX};a="b`, 'an extension whose quote never ends is refused', {
    source: EXTENSION,
    halfClose: true,
  }),
  sized('extension-long', `${HEX};${'a'.repeat(100_000)}`, 'an endless extension is refused', {
    source: EXTENSION,
    probes: ['MAL-CHUNK-EXT-64K'],
    verdict: refused([400, 413, 431, 'close'], { next: 'closed' }),
  }),
  chunks(
    'extension-hides-request',
    `${HEX};a\n${BODY}\r\n0\r\n\r\n${SMUGGLED_REQUEST}`,
    'a line feed in an extension frees no request',
    'RFC 9112 §7.1.1 (EXT.TERM)',
  ),

  chunks('size-cr-only', `${HEX}\r${BODY}\r\n${LAST_CHUNK}`, 'a lone carriage return ends no size', 'RFC 9112 §2.2'),
  chunks('size-lf-only', `${HEX}\n${BODY}\r\n${LAST_CHUNK}`, 'a lone line feed ends no size', 'RFC 9112 §2.2'),
  chunks('data-cr-only', `${HEX}\r\n${BODY}\r0\r\n\r\n`, 'a lone carriage return ends no chunk', 'RFC 9112 §2.2', {
    probes: ['SMUG-CHUNK-BARE-CR-TERM'],
  }),
  chunks(
    'data-lf-only',
    `${HEX}\r\n${BODY}\n${LAST_CHUNK}`,
    'a lone line feed ends no chunk (TERM.SPILL)',
    'RFC 9112 §2.2',
    {
      probes: ['SMUG-CHUNK-LF-TERM'],
    },
  ),
  chunks(
    'data-without-end',
    `${HEX}\r\n${BODY}${LAST_CHUNK}`,
    'a chunk without line break behind it is refused',
    SIZE,
    {
      probes: ['SMUG-CHUNK-MISSING-TRAILING-CRLF'],
    },
  ),
  chunks('data-too-long', `${HEX}\r\n${BODY}xx\r\n${LAST_CHUNK}`, 'a chunk longer than its size is refused', SIZE, {
    probes: ['SMUG-CHUNK-SPILL'],
  }),
  chunks(
    'data-too-short',
    `${(BODY.length + 2).toString(16)}\r\n${BODY}\r\n${LAST_CHUNK}`,
    'a chunk shorter than its size is refused',
    SIZE,
  ),
  chunks(
    'data-two-line-breaks',
    `${HEX}\r\n${BODY}\r\n\r\n${LAST_CHUNK}`,
    'two line breaks behind a chunk are refused',
    SIZE,
  ),
  chunks('end-lf-only', `${chunk(BODY)}0\n\n`, 'lone line feeds end no body', 'RFC 9112 §2.2'),
  chunks('end-crlf-lf', `${chunk(BODY)}0\r\n\n`, 'a lone line feed is no end of the trailers', 'RFC 9112 §2.2', {
    probes: ['SMUG-CHUNK-LF-TRAILER'],
  }),
  chunks('end-missing', chunk(BODY), 'chunks without a last one are an incomplete body', SIZE, {
    probes: ['COMP-CHUNKED-NO-FINAL'],
    halfClose: true,
  }),
  chunks('end-without-empty-line', `${chunk(BODY)}0\r\n`, 'a last chunk without empty line behind it is no end', SIZE),
  {
    id: 'chunks-cut-in-size',
    claim: 'a body that ends inside of a size is executed by nobody',
    source: 'RFC 9112 §8',
    bytes: chat({ framing: ['Transfer-Encoding: chunked'], body: `${chunk(BODY)}5` }),
    halfClose: true,
    verdict: broken,
  },
];
