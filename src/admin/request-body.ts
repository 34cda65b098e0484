import { deny, type Denial } from '../kernel/reasons.ts';

/** Largest body of an operation of the admin API that says no other. */
export const MAX_BODY_BYTES: number = 64 * 1024;

/** The one media type of bodies. A browser sends it to another site only after a preflight, which is never granted. */
const JSON_TYPE = /^application\/json[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i;

/** Reads a JSON body; none at all counts as an empty object. */
export async function readJsonBody(
  request: Request,
  maxBytes: number = MAX_BODY_BYTES,
): Promise<{ readonly value: unknown } | Denial> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > maxBytes) return tooLarge(maxBytes);
  const bytes = await readBytes(request, maxBytes);
  if (bytes === undefined) return tooLarge(maxBytes);
  if (bytes.length === 0) return { value: {} };
  const type = request.headers.get('content-type');
  if (type === null || !JSON_TYPE.test(type) || request.headers.has('content-encoding')) {
    return deny('unsupported_media_type');
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return deny('invalid_encoding');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return deny('invalid_json', { message: 'The body is not valid JSON (RFC 8259).' });
  }
  // JSON.parse keeps the last of two: whoever reviewed the first has approved something else.
  return countMembers(value) < countColons(text) ? deny('duplicate_key') : { value };
}

/** Members of all objects in a value. Without recursion, for a body may be nested as deep as it is long. */
function countMembers(value: unknown): number {
  let members = 0;
  const waiting = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    const values = Object.values(next);
    if (!Array.isArray(next)) members += values.length;
    for (const inner of values) waiting.push(inner);
  }
  return members;
}

/** Members as a valid JSON text names them: its colons outside strings. */
function countColons(text: string): number {
  let colons = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ':') colons++;
    // By hand: a regular expression that matches a string keeps a place for each character of it, and one of megabytes
    // is more than it has room for.
    else if (text[at] === '"') for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
  }
  return colons;
}

const tooLarge = (maxBytes: number): Denial =>
  deny('body_too_large', { message: `The body is larger than ${Math.floor(maxBytes / 1024)} KiB.` });

/** The bytes of a body; undefined where they are too many. The rest is not read then. */
async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  if (request.body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body) {
    size += part.length;
    if (size > maxBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
