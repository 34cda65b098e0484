import type { IncomingMessage } from 'node:http';

const MAX_FORM_BYTES = 64 * 1024;
const read = new WeakMap<IncomingMessage, Promise<URLSearchParams>>();

/** The form of a request; whoever asks again gets the same. @throws RangeError where it is too large */
export function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let form = read.get(request);
  if (form === undefined) read.set(request, (form = readForm(request)));
  return form;
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_FORM_BYTES) throw new RangeError('the form is too large');
    parts.push(part);
  }
  return new URLSearchParams(Buffer.concat(parts).toString());
}
