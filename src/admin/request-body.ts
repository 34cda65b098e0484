import { deny, type Denial } from '../kernel/reasons.ts';

/** Largest body of the admin API. */
export const MAX_BODY_BYTES = 64 * 1024;

/** The one media type of bodies. A browser sends it to another site only after a preflight, which is never granted. */
const JSON_TYPE = /^application\/json[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i;

/** Reads a JSON body; none at all counts as an empty object. */
export async function readJsonBody(request: Request): Promise<{ readonly value: unknown } | Denial> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > MAX_BODY_BYTES) return tooLarge();
  const bytes = await readBytes(request);
  if (bytes === undefined) return tooLarge();
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
  return text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1;
}

const tooLarge = (): Denial => deny('body_too_large', { message: 'The body is larger than 64 KiB.' });

/** The bytes of a body; undefined where they are too many. The rest is not read then. */
async function readBytes(request: Request): Promise<Uint8Array | undefined> {
  if (request.body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body) {
    size += part.length;
    if (size > MAX_BODY_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
