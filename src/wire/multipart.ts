import { Buffer } from 'node:buffer';

/** One part of a form (RFC 7578). */
export interface FormPart {
  readonly name: string;
  /** Undefined where the part is a plain field. */
  readonly filename: string | undefined;
  readonly contentType: string | undefined;
  readonly bytes: Buffer;
}

/** What became of a body: its parts in order, or what is wrong with it. */
export type ParsedForm =
  | { readonly ok: true; readonly parts: readonly FormPart[] }
  | { readonly ok: false; readonly message: string };

/** Most parts of a form. */
export const MAX_PARTS = 64;
/** Most bytes of the head of a part, with the empty line that ends it. */
export const MAX_PART_HEAD_BYTES = 4096;

/** `bchars` of RFC 2046 §5.1.1; a space, which the RFC allows inside, no client sends. */
const BOUNDARY = /^[0-9A-Za-z'()+_,./:=?-]{1,70}$/;
/** Of those the ones that stand outside quotes as well (`token`, RFC 9110 §5.6.2). */
const CONTENT_TYPE = /^multipart\/form-data[ \t]*;[ \t]*boundary=(?:([0-9A-Za-z'+_.-]{1,70})|"([^"]{1,70})")[ \t]*$/i;

/**
 * The boundary that a Content-Type `multipart/form-data` names; undefined for every other value, and where another
 * parameter stands beside it.
 */
export function parseFormBoundary(contentType: string): string | undefined {
  const [, token, quoted] = CONTENT_TYPE.exec(contentType) ?? [];
  const boundary = token ?? quoted;
  return boundary !== undefined && BOUNDARY.test(boundary) ? boundary : undefined;
}

const CRLF = '\r\n';
const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;

/**
 * Parses multipart/form-data (RFC 7578, RFC 2046 §5.1) in the one form that leaves no two readings: line ends are CRLF,
 * nothing stands before the first delimiter or behind the last one but one CRLF, which must be there. The parts share
 * the memory of the body. Each byte is looked at a bounded number of times.
 */
export function parseForm(body: Buffer, boundary: string): ParsedForm {
  const delimiter = `${CRLF}--${boundary}`;
  const opening = body.subarray(0, 2).equals(Buffer.from(CRLF)) ? delimiter : delimiter.slice(CRLF.length);
  if (!startsAt(body, 0, opening)) return wrong('It does not begin with the boundary that Content-Type names.');
  const parts: FormPart[] = [];
  let at = opening.length;
  // At each turn `at` is behind a delimiter: what follows tells whether it was the last one.
  while (body[at] === CR && body[at + 1] === LF) {
    if (parts.length >= MAX_PARTS) return wrong(`It has more than ${MAX_PARTS} parts.`);
    const headAt = at + CRLF.length;
    const head = readHead(body.subarray(headAt, headAt + MAX_PART_HEAD_BYTES));
    if ('message' in head) return wrong(head.message);
    const bytesAt = headAt + head.length;
    // The CRLF of the empty line is no part of a delimiter: a part without bytes has one of its own.
    const end = body.indexOf(delimiter, bytesAt, 'latin1');
    if (end < 0) return wrong('Its last boundary is missing.');
    const { name, filename, contentType } = head;
    parts.push({ name, filename, contentType, bytes: body.subarray(bytesAt, end) });
    at = end + delimiter.length;
  }
  if (body[at] !== DASH || body[at + 1] !== DASH)
    return wrong('A boundary is neither the end of its line nor the last one.');
  if (parts.length === 0) return wrong('It has no parts.');
  const rest = body.length - at - 2;
  if (rest === 0 || (rest === 2 && startsAt(body, at + 2, CRLF))) return { ok: true, parts };
  return wrong('There are bytes behind its last boundary.');
}

/** Writes a form in the form that `parseForm` reads. The boundary must occur in none of the parts. */
export function writeForm(parts: readonly FormPart[], boundary: string): Buffer {
  const pieces = parts.flatMap(({ name, filename, contentType, bytes }) => {
    const file = filename === undefined ? '' : `; filename="${filename.replace(/["\\]/g, String.raw`\$&`)}"`;
    const type = contentType === undefined ? '' : `Content-Type: ${contentType}${CRLF}`;
    const head = `--${boundary}${CRLF}Content-Disposition: form-data; name="${name}"${file}${CRLF}${type}${CRLF}`;
    return [Buffer.from(head), bytes, Buffer.from(CRLF)];
  });
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--${CRLF}`)]);
}

/**
 * A boundary that occurs in none of the parts.
 *
 * @param seed what the sender of the parts could not know; at most 60 characters of letters, digits, `_` and `-`
 */
export function boundaryFor(parts: readonly FormPart[], seed: string): string {
  for (let turn = 0; ; turn++) {
    const boundary = turn === 0 ? seed : `${seed}-${turn}`;
    if (!parts.some(({ bytes }) => bytes.includes(boundary))) return boundary;
  }
}

const wrong = (message: string): ParsedForm => ({ ok: false, message: `The multipart body is broken. ${message}` });

function startsAt(body: Buffer, at: number, text: string): boolean {
  return body.subarray(at, at + text.length).equals(Buffer.from(text, 'latin1'));
}

interface PartHead extends Omit<FormPart, 'bytes'> {
  /** In bytes, with the empty line. */
  readonly length: number;
}
interface Wrong {
  readonly message: string;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;
/** A line that begins with a space would go on with the one before it; other controls mean something to someone. */
// eslint-disable-next-line no-control-regex -- controls are what is looked for
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** @param bytes from the first byte of the head, no more of them than a head may have */
function readHead(bytes: Buffer): PartHead | Wrong {
  const end = bytes.indexOf(`${CRLF}${CRLF}`, 0, 'latin1');
  if (end < 0) return { message: `The head of a part has no end within ${MAX_PART_HEAD_BYTES} bytes.` };
  const text = textOf(bytes.subarray(0, end));
  if (text === undefined) return { message: 'The head of a part is not UTF-8.' };
  let disposition: Disposition | undefined;
  let contentType: string | undefined;
  for (const line of text.split(CRLF)) {
    const [, name = '', value = ''] = CONTROL.test(line) ? [] : (HEADER.exec(line) ?? []);
    switch (name.toLowerCase()) {
      case '':
        return { message: 'A line in the head of a part is no header.' };
      case 'content-disposition':
        if (disposition !== undefined) return { message: 'A part has two Content-Disposition headers.' };
        disposition = parseDisposition(value);
        if (disposition === undefined)
          return { message: 'A Content-Disposition is not form-data with one name in quotes.' };
        break;
      case 'content-type':
        if (contentType !== undefined) return { message: 'A part has two Content-Type headers.' };
        if (!PART_TYPE.test(value)) return { message: 'The Content-Type of a part is no media type.' };
        // What is inside would be read by some and not by others (RFC 7578 §4.3 has no nesting any more).
        if (/^multipart\//i.test(value)) return { message: 'A part is multipart itself.' };
        contentType = value;
        break;
      default:
        return { message: 'The head of a part has a header besides Content-Disposition and Content-Type.' };
    }
  }
  if (disposition === undefined) return { message: 'A part has no Content-Disposition.' };
  return { ...disposition, contentType, length: end + 4 };
}

const PART_TYPE = /^[!#$&^_.+0-9A-Za-z-]{1,127}\/[!#$&^_.+0-9A-Za-z-]{1,127}(?:[ \t]*;[\x20-\x7e]{1,256})?$/;

type Disposition = Pick<FormPart, 'name' | 'filename'>;

/** One parameter. Clients escape a quote as `%22` (WHATWG HTML) or, in file names, with a backslash (RFC 2616). */
const PARAMETER =
  /[ \t]*;[ \t]*(?:(name)="([^"\\]+)"|(filename)="((?:[^"\\]|\\["\\])*)"|(filename\*)=[A-Za-z0-9_-]{1,16}'[A-Za-z0-9-]{0,16}'[A-Za-z0-9!#$&+.^_`|~%-]*)/iy;

function parseDisposition(value: string): Disposition | undefined {
  if (!/^form-data(?![^ \t;])/i.test(value)) return undefined;
  const seen = new Map<string, string>();
  let at = 'form-data'.length;
  while (at < value.length) {
    PARAMETER.lastIndex = at;
    const found = PARAMETER.exec(value);
    if (found === null) return undefined;
    const name = (found[1] ?? found[3] ?? found[5] ?? '').toLowerCase();
    // Of two names one reader would take the first, another one the last.
    if (seen.has(name)) return undefined;
    seen.set(name, found[2] ?? found[4]?.replaceAll(/\\(.)/g, '$1') ?? '');
    at = PARAMETER.lastIndex;
  }
  const name = seen.get('name');
  if (name === undefined) return undefined;
  // RFC 7578 §4.2 forbids `filename*`, but clients send it for names that are not ASCII. That it is there tells a file
  // from a field; what it says is never used.
  return { name, filename: seen.get('filename') ?? (seen.has('filename*') ? '' : undefined) };
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
