/**
 * A record as a line of a segment: one JSON object that begins with its sequence number. The leaf of the tree is the exact
 * bytes of the line, without the newline: who verifies needs no opinion about JSON, and the number stands where it is
 * found without parsing.
 */
const HEAD = '{"metadata":{"sequence":';
const TEXT_HEAD = '{"metadata":{';
/** Beginning of what the log itself records; nobody else may. */
const OWN_HEAD = '"event_code":"audit-log.';

/** Most bytes of a line. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** The same without a number. */
const MAX_RECORD_BYTES = MAX_LINE_BYTES - 1024;

const HEAD_BYTES = Buffer.from(HEAD);
const OWN_BYTES = Buffer.from(OWN_HEAD);
const [ZERO, NINE, COMMA] = [0x30, 0x39, 0x2c];

/**
 * A record with its sequence number.
 *
 * @param text a JSON object in one line whose first member is `metadata`, an object that is not empty
 * @throws RangeError for any other text, and one that takes a name of the log's own
 */
export function lineOf(text: string, sequence: number): string {
  const rest = text.slice(TEXT_HEAD.length);
  const isRecord = text.startsWith(TEXT_HEAD) && rest.startsWith('"') && text.endsWith('}') && !text.includes('\n');
  // Else a caller whose words come into a record could close the log, or say that there was a gap.
  if (!isRecord || rest.startsWith(OWN_HEAD)) throw new RangeError('a record begins with its metadata, in one line');
  if (text.length > MAX_RECORD_BYTES / 3 && Buffer.byteLength(text) > MAX_RECORD_BYTES) {
    throw new RangeError(`a record has at most ${MAX_RECORD_BYTES} bytes`);
  }
  return `${HEAD}${sequence},${rest}`;
}

/** The same for what the log itself records: `code` without the beginning that all of them have. */
export const ownLineOf = (code: string, members: string, sequence: number): string =>
  `${HEAD}${sequence},${OWN_HEAD}${code}",${members}`;

/** The sequence number of a line; undefined where it is no record. */
export function sequenceIn(line: Uint8Array): number | undefined {
  for (let i = 0; i < HEAD_BYTES.length; i++) if (line[i] !== HEAD_BYTES[i]) return undefined;
  const end = endOfNumber(line);
  const digits = end - HEAD_BYTES.length;
  if (digits < 1 || digits > 16 || line[end] !== COMMA || (digits > 1 && line[HEAD_BYTES.length] === ZERO))
    return undefined;
  const sequence = Number(Buffer.from(line.subarray(HEAD_BYTES.length, end)).toString('latin1'));
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}

/** Whether the log itself has recorded it. */
export function isOwn(line: Uint8Array, start = 0): boolean {
  const at = endOfNumber(line, start) + 1;
  // Most records differ in the first letters.
  for (let i = 0; i < OWN_BYTES.length; i++) if (line[at + i] !== OWN_BYTES[i]) return false;
  return true;
}

function endOfNumber(line: Uint8Array, start = 0): number {
  let end = start + HEAD_BYTES.length;
  for (let byte = line[end]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = line[end]) end++;
  return end;
}
