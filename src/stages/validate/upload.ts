import { Buffer } from 'node:buffer';
import type { Upload } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { memberPath } from '../../wire/json-path.ts';
import { Refusal, invalid, outOfRange } from '../../vllm/fields/refusal.ts';
import { bodyOfForm, formOfBody } from '../../vllm/fields/transcription.ts';
import { boundaryFor, parseForm, writeForm, type FormPart } from '../../wire/multipart.ts';

/** What a form says: its texts as a body, and the recording. */
export interface ReadUpload {
  readonly body: JsonObject;
  readonly file: Buffer;
  /** Of all texts together. */
  readonly textBytes: number;
}

const FILE = 'file';
const MAX_FIELD_BYTES = 8 * 1024;
/** What a field may say of itself; more is said by who means another text than its bytes are. */
const TEXT_TYPE = /^text\/plain(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/** Reads a form with one recording (`file`) and fields of text. */
export function readUpload(bytes: Buffer, boundary: string): ReadUpload | Refusal {
  const form = parseForm(bytes, boundary);
  if (!form.ok) return malformed(form.message);
  const files = form.parts.filter(({ name, filename }) => name === FILE || filename !== undefined);
  const [file] = files;
  if (file === undefined) return invalid('This field is required.', FILE);
  if (files.length > 1) return malformed('Send one file: vLLM would read them all.', FILE);
  if (file.name !== FILE || file.filename === undefined) {
    return malformed('Send the recording as the part file, with a file name.', FILE);
  }
  const fields: { name: string; text: string }[] = [];
  let textBytes = 0;
  for (const part of form.parts) {
    if (part === file) continue;
    const text = textOf(part);
    if (text instanceof Refusal) return text.within(memberPath('', part.name));
    fields.push({ name: part.name, text });
    textBytes += part.bytes.length;
  }
  const body = bodyOfForm(fields);
  return body instanceof Refusal ? body : { body, file: file.bytes, textBytes };
}

/**
 * Writes the form that is sent: from the checked body, and the recording under a name of our own, for vLLM hands the
 * caller's to its decoders.
 *
 * @param extension of the recording's real format
 * @param seed what the caller could not know when it sent the body; for the boundary
 */
export function writeUpload(body: JsonObject, file: Buffer, extension: string, seed: string): Upload {
  const parts: FormPart[] = formOfBody(body).map(({ name, text }) => ({
    name,
    filename: undefined,
    contentType: undefined,
    bytes: Buffer.from(text),
  }));
  parts.push({
    name: FILE,
    filename: `audio.${extension}`,
    contentType: 'application/octet-stream',
    bytes: file,
  });
  const boundary = boundaryFor(parts, seed);
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes: writeForm(parts, boundary) };
}

const malformed = (message: string, path = ''): Refusal => new Refusal('invalid_request', path, message);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NOT_TEXT = new Refusal('invalid_encoding', '', 'Send UTF-8 without byte order mark and U+0000.');

function textOf({ bytes, contentType }: FormPart): string | Refusal {
  if (contentType !== undefined && !TEXT_TYPE.test(contentType)) {
    return malformed('Send fields as text/plain in UTF-8, or without a type.');
  }
  if (bytes.length > MAX_FIELD_BYTES) return outOfRange(`Give at most ${MAX_FIELD_BYTES} bytes.`);
  try {
    const text = utf8.decode(bytes);
    return text.includes('\0') || text.startsWith('\ufeff') ? NOT_TEXT : text;
  } catch {
    return NOT_TEXT;
  }
}
