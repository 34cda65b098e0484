/** One part of a form as the simulator sees it. */
export interface SimulatedPart {
  readonly name: string;
  readonly filename: string | undefined;
  /** Bytes of a file as Latin-1, of a field as UTF-8. */
  readonly text: string;
}

/** Reads a form by a way of its own, so that the gateway's writer is not judged by the gateway's reader. */
export function readSimulatedForm(contentType: string, body: Buffer): readonly SimulatedPart[] | undefined {
  const boundary = /^multipart\/form-data; boundary=([^\s;,"]{1,70})$/.exec(contentType)?.[1];
  if (boundary === undefined) return undefined;
  const [preamble, ...pieces] = `\r\n${body.toString('latin1')}`.split(`\r\n--${boundary}`);
  if (preamble !== '' || pieces.pop() !== '--\r\n' || pieces.length === 0) return undefined;
  const parts: SimulatedPart[] = [];
  for (const piece of pieces) {
    const found =
      /^\r\ncontent-disposition: form-data; name="([^"\r\n]+)"(?:; filename="([^"\r\n]*)")?\r\n(?:content-type: [^\r\n]+\r\n)?\r\n/i.exec(
        piece,
      );
    if (found === null) return undefined;
    const [{ length }, name = '', filename] = found;
    const rest = piece.slice(length);
    const text = filename === undefined ? Buffer.from(rest, 'latin1').toString('utf8') : rest;
    parts.push({ name, filename, text });
  }
  return parts;
}
